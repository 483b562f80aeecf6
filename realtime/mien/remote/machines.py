"""The machines that swap for this one: their addresses, those that were paired with, those that answer nearby."""

import contextlib
import json
import socket
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mien_models.errors import MienError, UsageError
from mien_models.system import folders
from mien_models.system.atomic_write import write_private
from mien_models.system.json_text import json_object

PORT: Final = 7420
"""Where `mien serve` listens unless another port is named."""
_KIND: Final = "_mien._tcp.local."
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Address:
    """Where a machine is."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it is typed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that was paired with."""

    address: str
    """Where it was last."""
    name: str
    fingerprint: str
    """Of its certificate."""
    pass_text: str
    secret_hex: str
    """What proves that the pass is ours."""


def parse_address(text: str) -> Address:
    """Read HOST, HOST:PORT or [IPV6]:PORT.

    Raises:
        UsageError: it is something else.
    """
    host, port = text.strip(), ""
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    is_port = port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536
    if not host or any(letter.isspace() or letter in "/@?#" for letter in host) or (port and not is_port):
        raise UsageError(f"Another machine is named as HOST or HOST:PORT, such as 192.168.1.20:{PORT}, not {text!r}.")
    return Address(host, int(port) if port else PORT)


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read one machine, or several with commas between them.

    Raises:
        UsageError: one of them is something else.
    """
    return tuple(dict.fromkeys(map(parse_address, text.split(","))))


class Machines:
    """Has state: a file of this user alone."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or folders.data_folder() / "remote" / "machines.json"

    def known(self) -> tuple[Machine, ...]:
        """Give all of them; a damaged file is as good as none: one pairs again."""
        try:
            found = json_object(self._file.read_bytes())
            return tuple(Machine(**one) for one in found["machines"])
        except (OSError, ValueError, TypeError, KeyError):
            return ()

    def find(self, address: Address) -> Machine | None:
        """Give the one that was last there."""
        return next((one for one in self.known() if one.address == str(address)), None)

    def by_fingerprint(self, fingerprint: str) -> Machine | None:
        """Give the one with that certificate, wherever it was."""
        return next((one for one in self.known() if one.fingerprint == fingerprint), None)

    def remember(self, machine: Machine) -> None:
        """Keep a machine; one at its address or with its certificate is replaced.

        Raises:
            MienError: the file cannot be written.
        """
        others = [
            one for one in self.known() if one.fingerprint != machine.fingerprint and one.address != machine.address
        ]
        content = json.dumps({"machines": [asdict(one) for one in (*others, machine)]}, indent=1)
        try:
            write_private(self._file, content.encode())
        except OSError as error:
            raise MienError(f"{str(self._file)!r} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def announced(name: str, hosts: tuple[str, ...], port: int) -> Generator[None]:
    """Let others find this machine inside the block; where the network does not allow it, nothing happens.

    Nothing but its name and address is said, and only into the local network.
    """
    if not hosts:
        yield
        return
    from zeroconf import ServiceInfo, Zeroconf

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


def machines_near(timeout_s: float) -> tuple[tuple[str, Address], ...]:
    """Give the machines that answer in this network within that time, each with its name."""
    from zeroconf import ServiceBrowser, Zeroconf

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
