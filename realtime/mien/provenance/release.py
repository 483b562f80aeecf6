"""Two types that keep swapped pictures from leaving unmarked: one that gives no pixels away, one that may go out."""

from collections.abc import Callable
from typing import Final, Self

import cv2
import numpy as np

from mien.media.letterbox import letterbox
from mien_models.types import BgrU8, MaskU8, as_u8

_SEAL: Final = object()


class ReleasedPicture:
    """A picture that may be shown, sent and written: every sink and every writer takes this type and no other.

    Made by `unswapped`, or by `SwappedPicture.released`; there is no third way.
    """

    __slots__ = ("image_bgr", "is_marked")

    def __init__(self, image_bgr: BgrU8, *, is_marked: bool, signer: object) -> None:
        """Take the picture; only this module has the key.

        Raises:
            TypeError: somebody else makes one.
        """
        if signer is not _SEAL:
            raise TypeError("A ReleasedPicture comes from ReleasedPicture.unswapped or from the marks.")
        self.image_bgr: Final = image_bgr
        """(h, w, 3); nobody writes into it."""
        self.is_marked: Final = is_marked
        """Whether it shows a swapped face, and so carries the marks."""

    @classmethod
    def unswapped(cls, image_bgr: BgrU8) -> Self:
        """Let a picture out in which no face was swapped, as it is: a card, a blur, the camera's own."""
        if not hasattr(image_bgr, "shape"):
            raise TypeError("A swapped picture goes out through the marks (mien.stages.marks.Marks.release).")
        return cls(image_bgr, is_marked=False, signer=_SEAL)


class SwappedPicture:
    """A picture with swapped faces before the marks. It can be fitted and mixed; its pixels come out marked only."""

    __slots__ = ("__image_bgr",)

    def __init__(self, image_bgr: BgrU8) -> None:
        """Take (h, w, 3); nobody writes into it any more."""
        self.__image_bgr = image_bgr

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.__image_bgr.shape[1], self.__image_bgr.shape[0]

    def fitted(self, width: int, height: int) -> "SwappedPicture":
        """Letterbox it into `width` x `height`; itself where it has that size."""
        if self.size == (width, height):
            return self
        return SwappedPicture(letterbox(self.__image_bgr, width, height))

    def mixed_into(self, before: "BgrU8 | SwappedPicture", share: float) -> "SwappedPicture":
        """Give the picture `share` of the way, 0..1, from one before, of the same size, to this one."""
        before_bgr = before.__image_bgr if isinstance(before, SwappedPicture) else before  # noqa: SLF001  # of its own class
        return SwappedPicture(as_u8(cv2.addWeighted(self.__image_bgr, share, before_bgr, 1 - share, 0)))

    def laid_over(self, under: "SwappedPicture", opacity: MaskU8) -> "SwappedPicture":
        """Give this picture where `opacity`, (h, w), is 255, and the one under it where that is 0."""
        share = opacity.astype(np.float32) / 255
        return SwappedPicture(as_u8(cv2.blendLinear(self.__image_bgr, under.__image_bgr, share, 1 - share)))  # noqa: SLF001

    def released(self, mark: Callable[[BgrU8], BgrU8]) -> ReleasedPicture:
        """Let it out marked; `mark` gives a new picture. For `Marks` only, which a test holds the program to."""
        return ReleasedPicture(mark(self.__image_bgr), is_marked=True, signer=_SEAL)

    def for_marking_elsewhere(self) -> BgrU8:
        """Give the bare pixels. For `mien.remote.swapping` only: they go, encrypted, to the machine that marks them.

        A test holds the program to that.
        """
        return self.__image_bgr

    def before_marks(self) -> BgrU8:
        """Give the bare pixels. For `mien bench quality` only, which measures the swap and not the marks.

        A test holds the program to that.
        """
        return self.__image_bgr


def unmarked(_picture: SwappedPicture, _at_ns: int) -> ReleasedPicture:
    """Refuse: stands in until the stage that marks is there."""
    raise TypeError("a swapped picture came before the stage that marks it: it has to be the last of `Prepared.stages`")
