"""Both marks of a session, put on every swapped picture at the size in which it goes out."""

import secrets
from typing import Final

from mien.config.choices import LabelMode
from mien.media.frame_pool import FramePool
from mien.provenance.label import Label, label_text
from mien.provenance.label_schedule import LabelSchedule
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien.provenance.watermark.embed import Embedder
from mien.provenance.watermark.pattern import chip_px
from mien.provenance.watermark.payload import Flags, Payload
from mien_models.types import BgrU8

_MOST_LABELS: Final = 4


def new_session() -> int:
    """Draw a session: 24 random bits that say nothing of a person or a computer."""
    return secrets.randbits(24)


class Marks:
    """Puts the label and then the invisible mark on pictures. Has state: tables, labels and memory by picture size.

    The invisible mark cannot be switched off. One thread calls `release`.
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
