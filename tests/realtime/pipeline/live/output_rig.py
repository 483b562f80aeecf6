"""An output on a clock that is wound by hand, and how what it sent is read."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from tests.realtime.pipeline.live.live_rig import HEIGHT, OUTPUT, SWAPPED, WIDTH, a_packet, background

from mien.pipeline.frame import Outgoing
from mien.pipeline.live.output import Output
from mien.pipeline.live.slates import Slates
from mien.pipeline.live.state import Cause, Policy, StageFailure, Verdict

FAILED: Final = StageFailure("swap", "The network is gone.")
FACE: Final = frozenset({1})
NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True)
class Came:
    """A frame that came through the stages."""

    chosen: frozenset[int]
    swapped: frozenset[int]
    composed: bool


class Rig:
    """An output on a clock that is wound by hand."""

    def __init__(self, policy: Policy) -> None:
        self.now_ns = 0
        self.sent: list[Outgoing] = []
        self.verdicts: list[Verdict] = []
        self.output = Output(
            OUTPUT, policy, background, self.sent.append, self.verdicts.append, clock_ns=lambda: self.now_ns
        )
        self.output.begin()
        self.frames = 0

    def frame(
        self, *, chosen: frozenset[int] = FACE, swapped: frozenset[int] = FACE, composed: bool = True
    ) -> Outgoing:
        frame = a_packet(self.frames, chosen=chosen, swapped=swapped, composed=composed)
        self.output.deliver(frame, None)
        self.frames += 1
        return self.sent[-1]

    def fail(self) -> Outgoing:
        self.output.deliver(a_packet(self.frames), FAILED)
        self.frames += 1
        return self.sent[-1]

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)

    def play(self, event: Came | str) -> None:
        match event:
            case Came(chosen, swapped, composed):
                self.frame(chosen=chosen, swapped=swapped, composed=composed)
            case "failed":
                self.fail()
            case "outage":
                self.output.no_frames("Gone.")
            case "return":
                self.output.frames_again()
            case "private" | "public":
                self.output.set_privacy(on=event == "private")
            case "frozen" | "thawed":
                self.output.freeze(on=event == "frozen")
            case "repeat":
                self.output.repeat_if_quiet()
            case _:
                self.wait(0.3)


CARDS: Final = [Slates(WIDTH, HEIGHT).card(cause).astype(int) for cause in Cause]


def is_swapped(outgoing: Outgoing) -> bool:
    return bool((outgoing.frame.image == SWAPPED).all())


def swapped_share(outgoing: Outgoing) -> float:
    """Say how much of a picture is the swapped one, 0..1, when the rest of it is one card; NaN when it is not."""
    image = outgoing.frame.image.astype(int)
    for card in CARDS:
        share = float(((image - card) * (SWAPPED - card)).sum() / ((SWAPPED - card) ** 2).sum())
        if np.abs(card + share * (SWAPPED - card) - image).max() <= 1:
            return round(share, 2)
    return float("nan")


def is_swapped_in_part(outgoing: Outgoing) -> bool:
    return 0 < swapped_share(outgoing) <= 1
