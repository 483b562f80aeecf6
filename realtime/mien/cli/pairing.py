"""Pairing with the machine that swaps, where that has not been done."""

import asyncio
import logging
from collections.abc import Callable

from mien.remote.client import pair
from mien.remote.machines import Address, Machines, parse_addresses
from mien_models.errors import UsageError

_LOG = logging.getLogger(__name__)


def pair_once(addresses: str, code: str | None, ask: Callable[[str], str] | None) -> None:
    """Pair by a code that was given, or that a person is asked for where a machine is not known yet.

    Raises:
        UsageError: nobody is there to be asked.
        MienError: it did not come to that.
    """
    wanted = parse_addresses(addresses)
    known = [address for address in wanted if Machines().find(address) is not None]
    # A code for the only machine pairs with it anew, because it shows another certificate now.
    again = known if code is not None and len(wanted) == 1 else []
    for address in wanted:
        if address not in known or address in again:
            _pair_with(address, code, ask)


def _pair_with(address: Address, code: str | None, ask: Callable[[str], str] | None) -> None:
    if code is None and ask is not None:
        code = ask(f"The pairing code that 'mien serve' says on {address}").strip()
    if not code:
        raise UsageError(f"This machine was never paired with {address}; say its code once with --pair CODE.")
    machine = asyncio.run(pair(address, code, Machines()))
    _LOG.info("Paired with %s at %s; its code is not needed again.", machine.name, machine.address)
