"""The machines that can swap for this one: those that were paired with, and those that answer in the network."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from mien.remote.machines import Address, Machines, machines_near, parse_address

_LISTEN_S: Final = 1.5
_FRESH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One machine of the list."""

    name: str
    address: str
    is_paired: bool
    is_near: bool
    """Whether it answered in this network of late."""


class OtherMachines:
    """Finds machines and pairs with them. Has state: those that answered last, and when they were asked."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._looked_s = float("-inf")
        self._near: tuple[tuple[str, Address], ...] = ()
        self._known = Machines()
        self.listed: tuple[Listed, ...] = ()
        """Those that were paired with first."""
        self.has_looked = False

    async def look(self, *, again: bool = False) -> None:
        """Ask the network who swaps for others, unless that was done a moment ago."""
        async with self._one_at_a_time:
            self._list()
            if again or time.monotonic() - self._looked_s >= _FRESH_S:
                self._near = await asyncio.to_thread(machines_near, _LISTEN_S)
                self._looked_s = time.monotonic()
                self.has_looked = True
                self._list()

    async def pair(self, address: str, code: str) -> str:
        """Pair with a machine; gives its address as the setting `remote` takes it.

        Raises:
            MienError: it does not answer, or the code is not its own.
        """
        from mien.remote.client import pair

        machine = await pair(parse_address(address), code, self._known)
        self._list()
        return machine.address

    def is_known(self, address: str) -> bool:
        """Whether that machine was paired with.

        Raises:
            UsageError: it is no address.
        """
        return self._known.find(parse_address(address)) is not None

    def _list(self) -> None:
        known = self._known.known()
        near = {str(address): name for name, address in self._near}
        paired = [Listed(one.name, one.address, is_paired=True, is_near=one.address in near) for one in known]
        taken = {one.address for one in known}
        others = [
            Listed(name, address, is_paired=False, is_near=True)
            for address, name in near.items()
            if address not in taken
        ]
        self.listed = (*paired, *others)
