"""Pairing with the machine that swaps, where that has not been done."""

import asyncio
import logging
from collections.abc import Callable

from mien.remote.client import pair
from mien.remote.machines import Machines, parse_address
from mien_models.errors import UsageError

_LOG = logging.getLogger(__name__)


def pair_once(address_text: str, code: str | None, ask: Callable[[str], str] | None) -> None:
    """Pair by a code that was given, or that a person is asked for where the machine is not known yet.

    Raises:
        UsageError: nobody is there to be asked.
        MienError: it did not come to that.
    """
    address, machines = parse_address(address_text), Machines()
    if code is None and machines.find(address) is not None:
        return
    if code is None and ask is not None:
        code = ask(f"The pairing code that 'mien serve' says on {address}").strip()
    if not code:
        raise UsageError(f"This machine was never paired with {address}; say its code once with --pair CODE.")
    machine = asyncio.run(pair(address, code, machines))
    _LOG.info("Paired with %s at %s; its code is not needed again.", machine.name, machine.address)
