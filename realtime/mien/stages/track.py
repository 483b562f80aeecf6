"""Finds the faces of a frame and chooses those to be swapped: live, in a still picture, in a film that can wait."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mien.pipeline.frame import Frame
from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.photo import find_faces
from mien.tracking.selection import Choice, Chooser, ForesightedOne
from mien.tracking.tracker import Tracker
from mien_models.types import Face


class _Following:
    """Follows the faces of frames; the first one after a dissolve begins a shot. Has state: how the last one was."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._was_mixed = False
        self._source_number = 0

    @property
    def shot(self) -> int:
        """The shot of the latest frame."""
        return self._tracker.shot

    def __call__(self, frame: Frame) -> tuple[Face, ...]:
        is_mixed = frame.dissolve_share is not None
        if self._was_mixed and not is_mixed:
            self._tracker.begin_shot()
        self._was_mixed = is_mixed
        if frame.source_number != self._source_number:
            self._source_number = frame.source_number
            self._tracker.forget()
        return self._tracker(frame.image, frame.captured_ns)


class TrackStage:
    """Gives each frame its faces, and those that are to be swapped; its tracker and chooser keep state."""

    name = "track"

    def __init__(self, tracker: Tracker, chooser: Chooser) -> None:
        self._follow = _Following(tracker)
        self._chooser = chooser

    def __call__(self, frame: Frame) -> Frame:
        """Find the faces of this frame."""
        faces = self._follow(frame)
        shot = self._follow.shot
        choice = self._chooser(frame.image, faces, frame.captured_ns, shot=shot)
        return replace(frame, shot=shot, faces=faces, chosen=choice.faces, roles=choice.roles)


class PhotoTrackStage:
    """Looks at one picture as hard as it can, where following has many frames to find a small or turned face."""

    name = "track"

    def __init__(self, networks: FaceNetworks, chooser: Chooser) -> None:
        self._networks = networks
        self._chooser = chooser

    def __call__(self, frame: Frame) -> Frame:
        """Find the faces and choose among them."""
        faces = find_faces(frame.image, self._networks)
        choice = self._chooser(frame.image, faces, frame.captured_ns)
        return replace(frame, faces=faces, chosen=choice.faces, roles=choice.roles)


_MOST_BYTES: Final = 256 << 20
"""Pictures that are held back; 40 of 1920 x 1080 pixels."""


class ForeseeStage:
    """Follows the faces of a file, for which nobody waits; holds frames back while that helps to choose.

    Its tracker and chooser keep state.
    """

    name = "track"

    def __init__(self, tracker: Tracker, chooser: ForesightedOne) -> None:
        self._follow = _Following(tracker)
        self._chooser = chooser
        self._held: deque[Frame] = deque()

    def __call__(self, frame: Frame) -> Frame:
        """Find the faces of this frame and choose at once, whatever may come."""
        return (*self.take(frame), *self.rest())[-1]

    def take(self, frame: Frame) -> Sequence[Frame]:
        """Find the faces of this frame; give those frames of which is known who is swapped in them, in order."""
        faces = self._follow(frame)
        self._held.append(replace(frame, shot=self._follow.shot, faces=faces))
        ready = self._released(self._chooser.see(faces, frame.captured_ns, self._follow.shot))
        if sum(held.image.nbytes for held in self._held) > _MOST_BYTES:
            ready += self.rest()
        return ready

    def rest(self) -> list[Frame]:
        """Give every frame that is still held back."""
        return self._released(self._chooser.hurry())

    def _released(self, choices: Sequence[Choice]) -> list[Frame]:
        return [replace(self._held.popleft(), chosen=choice.faces, roles=choice.roles) for choice in choices]
