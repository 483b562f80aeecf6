"""The machines that swap for this one: whether each answers, and whether it is still the one that was paired with."""

import asyncio
import time
from collections.abc import Iterator

from mien.diagnostics.doctor.checks import Check, Verdict
from mien.remote.client import greeted
from mien.remote.machines import Machine, Machines, parse_address
from mien_models.errors import MienError


def check_other_machines() -> Iterator[Check]:
    """Ask each machine that was paired with; none of them is no finding."""
    for machine in Machines().known():
        yield asyncio.run(_asked(machine))


async def _asked(machine: Machine) -> Check:
    name, began_s = f"swaps for this one: {machine.name}", time.monotonic()
    try:
        async with greeted(parse_address(machine.address)) as greeting:
            took_ms = (time.monotonic() - began_s) * 1e3
            if greeting.fingerprint != machine.fingerprint:
                return Check(
                    name,
                    Verdict.ADVICE,
                    f"{machine.address} shows another certificate than when you paired with it",
                    "If you know why, pair again: mien run --remote HOST --pair CODE",
                )
    except MienError as error:
        return Check(name, Verdict.ADVICE, f"{machine.address}: {error}", "Start it there: mien serve")
    return Check(name, Verdict.OK, f"{machine.address} answers, connected and greeted in {took_ms:.0f} ms")
