"""When a stage that fails ends the run, and with what words."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from mien.live.policy import StageFailure
from mien_models.errors import FinalError, MienError, ModelError

_GIVE_UP_NS: Final = 30_000_000_000
"""A stage that has failed on every frame for this long does not come back by itself."""
_APART_NS: Final = 5_000_000_000
"""After so long without a frame, one that fails begins anew."""
_CARD_NS: Final = 1_500_000_000
"""So long the card is shown where the run may not go on, so that it is the last that anybody sees."""


def given_up(failing: StageFailure | None, since_ns: int | None, now_ns: int) -> MienError | None:
    """Give the error with which a run ends whose stage has failed since then; None while it may go on."""
    if failing is None or since_ns is None:
        return None
    if failing.is_final:
        return final_error(failing) if now_ns - since_ns > _CARD_NS else None
    if now_ns - since_ns <= _GIVE_UP_NS:
        return None
    return ModelError(f"{failing.why} It failed on every frame for 30 s: the run has ended.")


def final_error(failing: StageFailure | None) -> MienError | None:
    """Give the error of a run that may not go on, however else it ends; None for every other."""
    return FinalError(failing.why) if failing is not None and failing.is_final else None


@dataclass(frozen=True, slots=True)
class _Failing:
    """What every frame has failed by since a moment; one value, for another thread judges it than learns of it."""

    failure: StageFailure
    since_ns: int
    until_ns: int
    """When the newest of those frames failed; none may come for a while, when the camera is unplugged."""

    def goes_on(self, failure: StageFailure, now_ns: int) -> bool:
        """Whether a frame that fails now is one more of these."""
        return self.failure.is_final is failure.is_final and now_ns - self.until_ns < _APART_NS


class Failures:
    """How the frames of a run fare. Has state: what they fail by now, and the counts. One thread learns, any asks."""

    def __init__(self) -> None:
        self._now: _Failing | None = None
        self.counts: Counter[str] = Counter()
        """On how many frames each stage has failed."""

    def learn(self, failure: StageFailure | None, now_ns: int) -> None:
        """Learn how the newest frame fared; a failure that ends the run has a time of its own."""
        before = self._now
        if failure is None:
            self._now = None
            return
        self.counts[failure.stage] += 1
        since_ns = now_ns if before is None or not before.goes_on(failure, now_ns) else before.since_ns
        self._now = _Failing(failure, since_ns, now_ns)

    def given_up(self, now_ns: int) -> MienError | None:
        """Give the error with which the run ends now, see `given_up`; a while without frames is no failure."""
        failing = self._now
        if failing is None:
            return None
        return given_up(failing.failure, failing.since_ns, now_ns if failing.failure.is_final else failing.until_ns)

    @property
    def final_error(self) -> MienError | None:
        """Give the error of a run that may not go on, however else it ends; None for every other."""
        failing = self._now
        return None if failing is None else final_error(failing.failure)
