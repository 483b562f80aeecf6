"""The switch for the local network: while it is on, the panel also listens at this machine's own addresses."""

import socket
from collections.abc import Awaitable, Callable
from typing import Final

from mien.config.page_address import local_addresses
from mien.panel.access import GuestAccess
from mien.panel.guard import Guard
from mien_models.errors import MienError
from mien_models.system.causes import cause_of
from mien_models.system.sentence import sentence

Listen = Callable[[list[socket.socket]], Awaitable[Callable[[], Awaitable[None]]]]
"""Begins to answer at sockets; gives what ends that."""
_BACKLOG: Final = 32


class Lan:
    """Opens the panel to the local network and closes it. Has state: whether it is open."""

    def __init__(self, guests: GuestAccess, port: int) -> None:
        self._guests, self._port = guests, port
        self._stop: Callable[[], Awaitable[None]] | None = None
        self.guard: Guard | None = None
        self.listen: Listen | None = None
        """Both are set once the server is there."""
        self.addresses: tuple[str, ...] = ()
        """What to type on the other device."""

    @property
    def is_open(self) -> bool:
        """Whether other devices can reach the panel."""
        return self._stop is not None

    async def open(self) -> None:
        """Listen in the local network, behind a new code.

        Raises:
            MienError: there is no network, or the port is taken in it.
        """
        if self.is_open:
            return
        if self.guard is None or self.listen is None:
            raise MienError("The panel's server has not begun yet. Try again in a moment.")
        hosts = local_addresses()
        if not hosts:
            raise MienError(sentence("This computer is in no local network. Connect it to one first."))
        sockets, taken = _bound(hosts, self._port)
        if not sockets:
            raise MienError(f"Port {self._port} cannot be opened in the local network: {taken}. Start with --port N.")
        self._guests.open()
        self.guard.guest_hosts = frozenset(str(one.getsockname()[0]) for one in sockets)
        self.addresses = tuple(f"http://{host}:{self._port}/" for host in sorted(self.guard.guest_hosts))
        self._stop = await self.listen(sockets)

    async def close(self) -> None:
        """Listen no more; whoever was let in is let go."""
        self._guests.close()
        self.addresses = ()
        if self.guard is not None:
            self.guard.guest_hosts = frozenset()
        stop, self._stop = self._stop, None
        if stop is not None:
            await stop()


def _bound(hosts: tuple[str, ...], port: int) -> tuple[list[socket.socket], str]:
    sockets: list[socket.socket] = []
    taken = ""
    for host in hosts:
        try:
            sockets.append(socket.create_server((host, port), backlog=_BACKLOG))
        except OSError as error:
            taken = cause_of(error)
    return sockets, taken
