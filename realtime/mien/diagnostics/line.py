"""The line to the machine that swaps, in words: how it does, and where the age of a frame comes from."""

from collections.abc import Mapping
from typing import Any


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
