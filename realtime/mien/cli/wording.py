"""What happens in a session, in words for people at a terminal."""

import logging
from collections.abc import Sequence
from typing import Final

from mien.pipeline.events import (
    Event,
    EventFact,
    LineBack,
    LineBroken,
    LoadShed,
    MicrophoneAway,
    MicrophoneOpened,
    ObsAway,
    RecordingSplit,
    SettingsApplied,
    SettingsRefused,
    SinkFailed,
    SinkOpened,
    SinkRemoved,
    SourceOpened,
    StagesGrouped,
    StateChanged,
    SyncOffset,
)
from mien.pipeline.frame import State
from mien_models.errors import MienError

_LOG = logging.getLogger(__name__)
_WARNED: Final = (LoadShed, SinkFailed, SettingsRefused, MicrophoneAway, ObsAway, LineBroken)


def sentence(fact: EventFact) -> str:
    """Say what happened in one sentence."""
    text: str
    match fact:
        case StateChanged(state, why):
            text = f"{state.name}: {why}"
        case SourceOpened(description):
            text = f"Source: {description}."
        case SinkOpened(description, addresses):
            text = " ".join((f"Output: {description}.", *_where(addresses)))
        case SinkRemoved(description):
            text = f"Output closed: {description}."
        case SinkFailed(_, why, is_tried_again):
            text = f"{why} Trying again." if is_tried_again else why
        case RecordingSplit(_, path):
            text = f"The recording goes on in {path}."
        case MicrophoneOpened() | MicrophoneAway() | LineBroken() | LineBack():
            text = _of_what_may_go(fact)
        case SyncOffset() | ObsAway():
            text = _of_obs(fact)
        case StagesGrouped(groups):
            text = f"Stages by thread: {' | '.join('+'.join(names) for names in groups)}."
        case LoadShed(change):
            text = change.why
        case SettingsApplied(_, changed, faces):
            text = f"Changed: {', '.join(changed)} (faces: {', '.join(faces)})."
        case SettingsRefused(reasons):
            text = f"Not changed: {' '.join(dict.fromkeys(why for _, why in reasons))}"
    return text


def _where(addresses: Sequence[str]) -> Sequence[str]:
    if not addresses:
        return ()
    return (f"Open {' or '.join(addresses)} in OBS (browser source) or a browser; whoever has the address can watch.",)


def _of_what_may_go(fact: MicrophoneOpened | MicrophoneAway | LineBroken | LineBack) -> str:
    """Say what happened to a device or a line that may go and come back."""
    match fact:
        case MicrophoneOpened(description):
            return f"Microphone: {description}."
        case MicrophoneAway(why):
            return f"No sound: {why}"
        case LineBroken(description, why):
            return f"The {description} is away and comes back by itself: {why}"
        case LineBack(description):
            return f"The {description} goes on."


def _of_obs(fact: SyncOffset | ObsAway) -> str:
    """Say how late a microphone should be that Mien does not carry, and whether OBS was told."""
    match fact:
        case SyncOffset(offset_ms, None):
            return (
                f"The picture is {offset_ms} ms late. In OBS, give your microphone that as its sync offset (Advanced "
                "Audio Properties), or let --obs do it; for a call there is --microphone-out."
            )
        case SyncOffset(offset_ms, obs_input):
            return f"OBS holds {obs_input!r} back by {offset_ms} ms, as late as the picture."
        case ObsAway(why):
            return why


def level(fact: EventFact) -> int:
    """Say how loud it is: what only engineers ask for is debug, what somebody should do something about a warning."""
    if isinstance(fact, StagesGrouped):
        return logging.DEBUG
    is_fault = isinstance(fact, StateChanged) and fact.state is State.FAULT
    return logging.WARNING if is_fault or isinstance(fact, _WARNED) else logging.INFO


class Teller:
    """Says events in the log; keeps the sentences of outputs that failed.

    An output that fails is said at once; where that also ends the run, it need not be said again.
    """

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, event: Event) -> None:
        """Say one thing."""
        if isinstance(event.fact, SinkFailed):
            self._said.add(event.fact.why)
        _LOG.log(level(event.fact), "%s", sentence(event.fact))

    def has_said(self, error: MienError) -> bool:
        """Whether people have read this already."""
        return str(error) in self._said
