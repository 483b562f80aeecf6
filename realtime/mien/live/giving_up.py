"""When a stage that fails ends the run, and with what words."""

from typing import Final

from mien.live.policy import StageFailure
from mien_models.errors import FinalError, MienError, ModelError

_GIVE_UP_NS: Final = 30_000_000_000
"""A stage that has failed on every frame for this long does not come back by itself."""
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
