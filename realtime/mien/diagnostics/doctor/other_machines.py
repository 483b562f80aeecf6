"""The machines that swap for this one: whether each answers, and whether it is still the one that was paired with."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mien.diagnostics.doctor.checks import Check, Verdict
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
    from mien.remote.client import greeted

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


def line_said(remote: Mapping[str, Any]) -> list[str]:
    """Say what a session's status tells of it."""
    meanwhile = "; this machine swaps meanwhile" if remote["is_taken_over"] else ""
    loss = "not known yet" if remote["loss"] is None else f"{remote['loss']:.1%}"
    size = "x".join(map(str, remote["sent_size"] or ())) or "nothing sent yet"
    seats = f", seats {remote['seats']}" if remote["seats"] else ""
    parts = (
        f"encoding {_ms(remote['encode_ms'])} and {_ms(remote['there_encode_ms'])}",
        f"decoding {_ms(remote['there_decode_ms'])} and {_ms(remote['decode_ms'])}",
        f"waiting {_ms(remote['there_wait_ms'])}",
        f"swapping {_ms(remote['there_swap_ms'])}",
    )
    return [
        f"swapped by: {remote['machine']}, {remote['state']} ({remote['why']}){meanwhile}",
        f"line: {remote['codec'] or 'no codec yet'}, {size}, round trip {_ms(remote['rtt_ms'])}, loss {loss}{seats}",
        f"a frame is back after {_ms(remote['back_ms'])}: {', '.join(parts)}",
    ]


def _ms(duration_ms: float | None) -> str:
    return "not known yet" if duration_ms is None else f"{duration_ms:.0f} ms"
