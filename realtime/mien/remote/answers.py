"""Frames that are away to be swapped, and what came back of them, brought together by their numbers."""

import dataclasses
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Histogram
from mien.provenance.release import SwappedPicture
from mien.remote.protocol import SeenFace, Swapped
from mien.remote.sent_picture import unstamped
from mien_models.types import BgrU8, Face, HeadPose, PointsF32, SwappedFace, as_u8

LATE_NS: Final = 500_000_000
"""What comes back later is of no use; nor is it known any longer which frame it belonged to."""
_MOST: Final = 256
_LIKELY_PERCENT: Final = 80
"""Of the times that answers took of late; who waits for one that comes late shows an older one, later."""
_POINTS: Final = 468
_FIVE: Final = ((33, 133), (263, 362), (4,), (61,), (291,))
"""The landmarks that the five points are made of."""


@dataclass(slots=True, eq=False)
class _Away:
    """A frame that is away."""

    frame: Frame
    sent_width: int
    """Of the picture that went away; smaller than the frame's on a narrow line."""
    sent_ns: int
    told: Swapped | None = None
    picture_bgr: BgrU8 | None = None

    @property
    def is_complete(self) -> bool:
        return self.told is not None and (self.picture_bgr is not None or not self.told.is_swapped)


class Answers:
    """Has state: the frames that are away, and the newest that is back. Any thread may call anything."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._away: OrderedDict[int, _Away] = OrderedDict()
        self._changed = threading.Condition()
        self._next = 0
        self._newest: Frame | None = None
        self.back_times = Histogram()
        """From sending to being back."""
        self.swap_times, self.wait_times = Histogram(), Histogram()
        """On the other machine: work, and waiting for one's turn."""
        self.sent = self.strangers = 0
        """Frames that went away; what came back and belongs to none of them."""

    def number(self, frame: Frame, sent_width: int) -> int:
        """Note a frame that goes away now in a picture of that width, and give its number."""
        with self._changed:
            now_ns = self._clock_ns()
            self._forget(now_ns)
            number, self._next = self._next, (self._next + 1) & 0xFFFFFFFF
            self._away[number] = _Away(frame, sent_width, now_ns)
            self.sent += 1
            return number

    def start_over(self) -> None:
        """Know nothing of what is away: the line is another one."""
        with self._changed:
            self._away.clear()
            self._newest = None

    def take_picture(self, picture_bgr: BgrU8) -> None:
        """Take a picture that came; one whose strip says no number that is away is nobody's."""
        found = unstamped(picture_bgr)
        with self._changed:
            away = None if found is None else self._away.get(found[1])
            if found is None or away is None:
                self.strangers += 1
                return
            away.picture_bgr = found[0]
            self._complete(found[1], away)

    def take_told(self, told: Swapped) -> None:
        """Take what is told of a picture."""
        with self._changed:
            away = self._away.get(told.number)
            if away is None:
                self.strangers += 1
                return
            away.told = told
            self._complete(told.number, away)

    def newer_than(self, index: int, timeout_s: float) -> Frame | None:
        """Give the newest frame that is back, if its index is higher; None where none comes in time.

        Waits for the newest that is likely to come in time, even where an older one is there: who takes that one is a
        frame behind for ever.
        """
        with self._changed:
            wanted = max(self._likely_by(self._clock_ns() + round(timeout_s * 1e9)), index + 1)
            self._changed.wait_for(lambda: self._newest is not None and self._newest.index >= wanted, timeout_s)
            newest = self._newest
            is_new = newest is not None and newest.index > index
            return newest if is_new else None

    def _likely_by(self, deadline_ns: int) -> int:
        """Give the index of the newest frame that will be back by then, as most of late were; -1 for none."""
        back_ms = self.back_times.recent_ms(_LIKELY_PERCENT)
        if back_ms is None:
            return -1
        sent_before_ns = deadline_ns - round(back_ms * 1e6)
        return next((one.frame.index for one in reversed(self._away.values()) if one.sent_ns <= sent_before_ns), -1)

    def _complete(self, number: int, away: _Away) -> None:
        now_ns = self._clock_ns()
        if not away.is_complete or away.told is None:
            return
        del self._away[number]
        if now_ns - away.sent_ns > LATE_NS:
            return
        self.back_times.record_ms((now_ns - away.sent_ns) / 1e6)
        self.swap_times.record_ms(away.told.swap_ms)
        self.wait_times.record_ms(away.told.wait_ms)
        if self._newest is None or away.frame.index > self._newest.index:
            self._newest = answered(
                away.frame, away.told, away.picture_bgr, away.frame.image.shape[1] / away.sent_width
            )
            self._changed.notify_all()

    def _forget(self, now_ns: int) -> None:
        while self._away:
            oldest = next(iter(self._away.values()))
            if now_ns - oldest.sent_ns <= LATE_NS and len(self._away) < _MOST:
                return
            self._away.popitem(last=False)


def answered(frame: Frame, told: Swapped, picture_bgr: BgrU8 | None, scale: float = 1.0) -> Frame:
    """Put what came back into the frame that went away, whose pixels are `scale` times as many along each side.

    The other machine has judged whether each chosen face is covered; here it is one small crop over the face's box.
    """
    height, width = frame.image.shape[:2]
    faces = tuple(_face(one, scale) for one in told.faces)
    chosen = tuple(face for face, one in zip(faces, told.faces, strict=True) if one.is_chosen)
    if picture_bgr is None or not told.is_swapped:
        return dataclasses.replace(frame, faces=faces, chosen=chosen, roles=(0,) * len(chosen), is_done_elsewhere=True)
    if picture_bgr.shape[:2] != (height, width):
        picture_bgr = as_u8(cv2.resize(picture_bgr, (width, height), interpolation=cv2.INTER_CUBIC))
    return dataclasses.replace(
        frame,
        faces=faces,
        chosen=chosen,
        roles=(0,) * len(chosen),
        swapped=tuple(_stand_in(face) for face in chosen),
        composed=SwappedPicture(picture_bgr),
        is_done_elsewhere=True,
    )


def _face(seen: SeenFace, scale: float) -> Face:
    """Make a face of what travels of it; its landmarks hold the five points, and its middle everywhere else."""
    box = np.array(seen.box, np.float32) * np.float32(scale)
    landmarks: PointsF32 = np.zeros((_POINTS, 3), np.float32)
    landmarks[:, :2] = (box[:2] + box[2:]) / 2
    for point, places in zip(seen.points, _FIVE, strict=True):
        landmarks[list(places), :2] = np.array(point, np.float32) * np.float32(scale)
    return Face(seen.id, box, landmarks, HeadPose(*seen.pose), seen.score)


def _stand_in(face: Face) -> SwappedFace:
    left, top, right, bottom = (float(value) for value in face.box_xyxy)
    frame_from_crop = np.array([[(right - left), 0.0, left], [0.0, (bottom - top), top]])
    return SwappedFace(face.id, np.zeros((1, 1, 3), np.uint8), np.full((1, 1), 255, np.uint8), frame_from_crop)
