"""The machines that swap for this one: whether each answers, and whether it is still the one that was paired with."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from mien.diagnostics.doctor.checks import Check, Verdict
from mien.diagnostics.line import line_said
from mien.remote.client import greeted
from mien.remote.machines import Machine, Machines, parse_address
from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions
from mien_models.errors import MienError


def check_other_machines() -> Iterator[Check]:
    """Ask each machine that was paired with; none of them is no finding."""
    for machine in Machines().known():
        yield asyncio.run(_asked(machine))
    yield from _of_the_session()


def _of_the_session() -> Iterator[Check]:
    """Say how the line of the session that runs here does; none of them is no finding."""
    for running in running_sessions():
        try:
            with SessionClient(running) as client:
                remote: Any = client.status().get("remote")
        except MienError:
            continue
        if not remote:
            continue
        verdict = Verdict.OK if remote["state"] == "ready" else Verdict.ADVICE
        yield Check("line to the machine that swaps", verdict, "; ".join(line_said(remote)))


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
