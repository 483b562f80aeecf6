"""How machines of one network find each other: by mDNS, without a server."""

import contextlib
import socket
import time
from collections.abc import Generator
from typing import Final

from zeroconf import ServiceBrowser, ServiceInfo, Zeroconf

from mien.remote.machines import Address

_KIND: Final = "_mien._tcp.local."
_LONGEST_NAME: Final = 40


@contextlib.contextmanager
def announced(name: str, hosts: tuple[str, ...], port: int) -> Generator[None]:
    """Let others find this machine inside the block; where the network does not allow it, nothing happens.

    Nothing but its name and address is said, and only into the local network.
    """
    if not hosts:
        yield
        return
    shown = "".join(letter for letter in name if letter.isalnum() or letter in " -_")[:_LONGEST_NAME] or "mien"
    info = ServiceInfo(_KIND, f"{shown}.{_KIND}", port, addresses=[socket.inet_aton(host) for host in hosts])
    try:
        zeroconf = Zeroconf(interfaces=list(hosts))
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(Exception):  # another of that name, a network without multicast
            zeroconf.register_service(info, allow_name_change=True)
        yield
    finally:
        with contextlib.suppress(Exception):
            zeroconf.close()


def found(timeout_s: float) -> tuple[tuple[str, Address], ...]:
    """Give the machines that answer in this network within that time, each with its name."""
    names: set[str] = set()

    def note(name: str, **_more: object) -> None:
        # Called with names, of which only one matters here.
        names.add(name)

    try:
        zeroconf = Zeroconf()
    except OSError:
        return ()
    try:
        browser = ServiceBrowser(zeroconf, _KIND, handlers=[note])
        time.sleep(timeout_s)
        browser.cancel()
        infos = [zeroconf.get_service_info(_KIND, name, timeout=500) for name in sorted(names)]
    finally:
        zeroconf.close()
    return tuple(
        (info.name.removesuffix(f".{_KIND}"), Address(info.parsed_addresses()[0], info.port))
        for info in infos
        if info is not None and info.port and info.parsed_addresses()
    )
