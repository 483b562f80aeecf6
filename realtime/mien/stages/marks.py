"""The last stage: the label and the invisible mark, on every frame that carries a swapped face."""

import locale
import math
import os
import secrets
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.config.choices import LabelMode
from mien.media.frame_pool import FramePool
from mien.media.text import text_mask
from mien.pipeline.frame import Frame
from mien.pipeline.report import MARKS
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien.provenance.watermark.embed import Embedder, chip_px
from mien.provenance.watermark.payload import Flags, Payload
from mien_models.types import BgrU8

TEXTS: Final = {
    "en": "AI MODIFIED",
    "de": "KI-VERÄNDERT",
    "fr": "MODIFIÉ PAR IA",
    "es": "MODIFICADO POR IA",
    "it": "MODIFICATO CON IA",
    "pt": "MODIFICADO POR IA",
    "zh": "AI生成",
}
"""By language; all others read English. The Chinese words are those of GB 45438-2025."""
_CAPS_PER_SHORT_SIDE: Final = 0.05
_WIDEST_PART: Final = 0.9
"""A label may cover this part of the picture's width; on a narrow portrait frame its letters become smaller."""
_PLATE_STAYS: Final = 0.35
"""How much of the picture shines through the dark plate: white letters keep a contrast above 4.5 on pure white."""


class Label:
    """The label for one frame size: `out = picture * stays + adds`, on its rectangle only."""

    def __init__(self, width: int, height: int, text: str) -> None:
        left, top, inner_width, inner_height = central_part(width, height)
        letters = _letters_within(text, min(width, height), inner_width)
        pad = max(round(min(width, height) * _CAPS_PER_SHORT_SIDE * 0.5), 2)
        ink = np.pad(letters, pad)[:inner_height, :inner_width].astype(np.float32) / 255
        margin = min(pad, inner_height - ink.shape[0], inner_width - ink.shape[1])
        self.left = left + inner_width - margin - ink.shape[1]
        self.top = top + margin
        self.rows = slice(self.top, self.top + ink.shape[0])
        self.columns = slice(self.left, self.left + ink.shape[1])
        stays = (1 - ink) * _PLATE_STAYS
        # 8.8 fixed point: two integer operations per byte, no float copy of the picture.
        self._stays_256: NDArray[np.uint16] = np.repeat(np.round(stays * 256).astype(np.uint16)[:, :, None], 3, axis=2)
        self._adds_256: NDArray[np.uint16] = np.repeat(
            np.round(ink * 255 * 256).astype(np.uint16)[:, :, None], 3, axis=2
        )

    def over(self, picture: BgrU8) -> BgrU8:
        """Give the label's rectangle of `picture`, which must have this label's frame size, with the label on it."""
        mixed = picture[self.rows, self.columns] * self._stays_256
        mixed += self._adds_256
        mixed >>= 8
        return mixed.astype(np.uint8)


def central_part(width: int, height: int) -> tuple[int, int, int, int]:
    """Give left, top, width and height of the central 4:3 (3:4 of an upright picture), which tiles of calls keep."""
    if width * 3 > height * 4:
        inner = max(height * 4 // 3, 1)
        return (width - inner) // 2, 0, inner, height
    if height * 3 > width * 4:
        inner = max(width * 4 // 3, 1)
        return 0, (height - inner) // 2, width, inner
    return 0, 0, width, height


def label_text(language: str | None = None) -> str:
    """Give the words in a language ('de', 'pt_BR', ...), by default that of the user."""
    asked = language or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    asked = asked or locale.getlocale()[0] or ""
    return TEXTS.get(asked[:2].lower(), TEXTS["en"])


def _letters_within(text: str, short_side: int, width: int) -> NDArray[np.uint8]:
    """Draw the words with capitals of a twentieth of the short side, smaller only where the width forces it."""
    caps = max(math.ceil(short_side * _CAPS_PER_SHORT_SIDE), 1)
    letters = text_mask(text, caps, weight=700)
    while letters.shape[1] + letters.shape[0] > width * _WIDEST_PART and caps > 1:
        caps -= 1
        letters = text_mask(text, caps, weight=700)
    return letters


_ART_SHOWN_NS: Final = 5_000_000_000


_ART_EVERY_NS: Final = 180_000_000_000


_BREAK_NS: Final = 10_000_000_000


class LabelSchedule:
    """Says for each swapped picture whether the label is on it. Has state: when it was shown last."""

    def __init__(self, mode: LabelMode) -> None:
        """Begin a session."""
        self.mode = mode
        self._began_ns: int | None = None
        self._last_ns = 0

    def shows(self, at_ns: int) -> bool:
        """Say whether the picture of `at_ns` is labelled; times must not go back."""
        if self.mode is not LabelMode.ART:
            return self.mode is LabelMode.ON
        is_new = self._began_ns is None or at_ns - self._last_ns > _BREAK_NS or at_ns < self._last_ns
        if self._began_ns is None or is_new or at_ns - self._began_ns >= _ART_EVERY_NS:
            self._began_ns = at_ns
        self._last_ns = at_ns
        return at_ns - self._began_ns < _ART_SHOWN_NS


_MOST_LABELS: Final = 4


def new_session() -> int:
    """Draw a session: 24 random bits that say nothing of a person or a computer."""
    return secrets.randbits(24)


class Marks:
    """Puts the label and then the invisible mark on pictures. Has state: tables, labels and memory by picture size.

    The invisible mark cannot be switched off. One thread at a time calls `release`.
    """

    def __init__(self, mode: LabelMode = LabelMode.ON, language: str | None = None, session: int | None = None) -> None:
        """Begin a session; `language` is that of the label, by default the user's."""
        flags = Flags.SWAPPED | (Flags.LABELLED if mode is LabelMode.ON else Flags(0))
        self.payload = Payload(new_session() if session is None else session, int(flags))
        self._embedder = Embedder(self.payload)
        self._schedule = LabelSchedule(mode)
        self._text = label_text(language)
        self._labels: dict[tuple[int, int], Label] = {}
        self._pool = FramePool()

    @property
    def mode(self) -> LabelMode:
        """When the label is shown."""
        return self._schedule.mode

    @property
    def session_id(self) -> str:
        """The session as six hexadecimal digits: what `mien verify` reads out of a picture."""
        return self.payload.session_id

    def prepare(self, width: int, height: int) -> None:
        """Make tables and label for a size, so that the first picture does not wait for them."""
        self._embedder.prepare(width, height)
        self._label(width, height)

    def release(self, picture: SwappedPicture, at_ns: int) -> ReleasedPicture:
        """Give the picture marked; `at_ns` is a clock that runs evenly through the session."""
        is_labelled = self._schedule.shows(at_ns)
        return picture.released(lambda image_bgr: self._marked(image_bgr, at_ns, is_labelled=is_labelled))

    def _marked(self, image_bgr: BgrU8, at_ns: int, *, is_labelled: bool) -> BgrU8:
        height, width = image_bgr.shape[:2]
        out = self._pool.blank(image_bgr.shape)
        self._embedder.mark(image_bgr, at_ns, out)
        if is_labelled:
            label = self._label(width, height)
            area, corner = out[label.rows, label.columns], (label.left, label.top)
            self._embedder.mark_part(label.over(image_bgr), area, corner, chip_px(width, height), at_ns)
        return out

    def _label(self, width: int, height: int) -> Label:
        label = self._labels.get((width, height))
        if label is None:
            if len(self._labels) >= _MOST_LABELS:
                del self._labels[next(iter(self._labels))]
            label = self._labels[width, height] = Label(width, height, self._text)
        return label


class MarkStage:
    """Fills `released` of a frame with a swapped face; any other passes untouched. Its marks keep state.

    In a live run pictures are marked at the moment they are sent, by `release`: that is after letterbox and crossfade,
    in the size of the sinks.
    """

    name = MARKS

    def __init__(self, marks: Marks) -> None:
        """Take the marks of the session."""
        self._marks = marks

    def __call__(self, frame: Frame) -> Frame:
        """Mark the composed picture with the pattern of the frame's time in its file."""
        if frame.composed is None:
            return frame
        return replace(frame, released=self.release(frame.composed, frame.captured_ns))

    def release(self, picture: SwappedPicture, at_ns: int) -> ReleasedPicture:
        """Mark a picture that goes out at a time of a clock that runs evenly through the session."""
        return self._marks.release(picture, at_ns)
