"""What is wrong with a session in words, what would help, and a change that does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from mien.panel.status import RunView, StatusView
from mien.panel.words import N_, STAGES

_OLD_INTERVALS: Final = 2.5
_SLOW_CAMERA: Final = 20.0
_LATE_START_FRAMES: Final = 90
"""Nothing is said before a session has settled."""
_OPTIONAL: Final[Mapping[str, tuple[str, dict[str, JsonValue], str]]] = {
    "finish": ("finish", {"finish": None}, N_("Leave the finishing network out")),
    "enhance": ("enhance", {"enhance": None}, N_("Leave the enhancer out")),
    "detail": ("detail", {"detail": False}, N_("Leave the match of grain out")),
    "mask": ("masks", {"masks": ["none"]}, N_("Leave hands in front out")),
}
"""Stages that can be done without: the setting, what switches it off, and the words on the button."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is not as it should be, and what helps."""

    text: str
    """A text of the catalogue, with fields to be filled in."""
    fields: Mapping[str, tuple[str, ...]]
    """Each is a list of texts, which may be of the catalogue or sentences themselves."""
    help: str
    button: str = ""
    values: Mapping[str, JsonValue] | None = None


def advice_on(status: StatusView) -> tuple[Advice, ...]:
    """Look for what is slow or broken."""
    run = status.run
    if run.frames_in < _LATE_START_FRAMES:
        return ()
    found: list[Advice] = []
    if run.shed:
        found.append(
            Advice(
                N_("This computer is too slow for everything; left out for now: {parts}"),
                {"parts": run.shed},
                N_("It comes back by itself when there is time. Close other programs, or ask for a smaller picture."),
            )
        )
    found += _of_age(status)
    if run.fps_in is not None and run.fps_in < _SLOW_CAMERA:
        found.append(
            Advice(
                N_("The camera gives {rate} pictures a second."),
                {"rate": (f"{run.fps_in:.0f}",)},
                N_("Most cameras slow down in dim light: turn a lamp on, or let the camera choose a shorter exposure."),
            )
        )
    for sink in run.sinks:
        if sink.state == "failed" and sink.why:
            found.append(
                Advice(N_("An output has failed: {why}"), {"why": (sink.why,)}, N_("Look at the outputs page."))
            )
    return tuple(found)


def _of_age(status: StatusView) -> list[Advice]:
    run = status.run
    if run.recent_age_ms is None or not run.fps_in or run.recent_age_ms < _OLD_INTERVALS * 1000 / run.fps_in:
        return []
    slowest = max(run.recent_stages_ms, key=lambda stage: run.recent_stages_ms[stage], default="")
    button, values = _relief(status, run)
    return [
        Advice(
            N_("You are seen {age} ms late. What takes longest: {stage}."),
            {"age": (f"{run.recent_age_ms:.0f}",), "stage": (STAGES.get(slowest, slowest),)},
            N_("Less to do for each picture helps most."),
            button,
            values,
        )
    ]


def _relief(status: StatusView, run: RunView) -> tuple[str, Mapping[str, JsonValue] | None]:
    """Give the dearest thing that can be left out."""
    if (boost := status.value("boost")) is not None and int(boost) > 1:
        return N_("Run the network at its own resolution"), {"boost": 1}
    known = [stage for stage in _OPTIONAL if stage in run.recent_stages_ms and _is_on(status, stage)]
    if not known:
        return "", None
    _, values, words = _OPTIONAL[max(known, key=lambda stage: run.recent_stages_ms[stage])]
    return words, values


def _is_on(status: StatusView, stage: str) -> bool:
    setting, values, _ = _OPTIONAL[stage]
    now = status.value(setting)
    return bool(now) and now != next(iter(values.values()))
