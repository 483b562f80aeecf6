"""What the webcam shows, whose face is used, and how a picture of the virtual camera is told from the real face.

`python -m tests.camera_vm.scene CLIP` writes the clip beforehand: on an emulated machine that takes a minute.
"""

import sys
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from mien.pipeline.live.slates import CARDS, Slates
from mien.pipeline.live.state import Cause
from mien.provenance.release import SwappedPicture
from mien.sources.backends.synthetic import SyntheticSource
from mien.stages.marks import Marks
from mien.tracking.photo import public_domain_photo
from mien_models.types import BgrU8

WIDTH, HEIGHT = 320, 240
FPS: Final = 5
FRAMES: Final = 20
_SKIN: Final = (slice(80, 130), slice(135, 185))
"""Rows and columns that lie within the face in every frame of the clip."""
_MOVED: Final = (slice(40, 220), slice(45, 225))
"""Rows and columns outside which the swap changes nothing but the label, in any frame of the clip."""
_LABEL: Final = (slice(6, 36), slice(190, 316))
_BLUER: Final = 25
"""By how much the swapped skin is bluer than red at least, in levels; folds of a smile take it from 57 down to 38."""
_NOISE: Final = 4.0
"""Mean difference, in levels, that two conversions to 4:2:0 and the camera's noise make."""


class Kind(Enum):
    """What a picture of the virtual camera shows."""

    STARTING = Cause.STARTING
    NO_FACE = Cause.NO_FACE
    CAMERA = Cause.CAMERA
    SWAP = Cause.SWAP
    ENDED = Cause.ENDED
    PRIVACY = Cause.PRIVACY
    SWAPPED = "the swapped face, labelled, on the background of the clip"
    FADING = "the same, mixed with a card"
    BARE = "warm skin where the face is: the real face"
    OTHER = "none of these"

    @property
    def is_card(self) -> bool:
        """Whether it is one of the cards."""
        return isinstance(self.value, Cause)


def write_clip(path: Path) -> None:
    """Record the synthetic camera, in the format that a loopback device is fed in."""
    with SyntheticSource(WIDTH, HEIGHT, Fraction(FPS)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(source.read().image, format="bgr24")))
        container.mux(stream.encode(None))


def write_photo(path: Path) -> None:
    """Paint the portrait's skin blue by exchanging red and blue: nobody's face, and no camera shows it by itself."""
    source_photo = cv2.imread(str(public_domain_photo()))
    assert source_photo is not None
    assert cv2.imwrite(str(path), source_photo[:, :, ::-1])


class Judge:
    """Knows the clip and the cards, and says what a picture shows."""

    def __init__(self, clip: Path) -> None:
        capture = cv2.VideoCapture(str(clip))
        self._labelled = [labelled(np.asarray(capture.read()[1], np.uint8)) for _ in range(FRAMES)]
        capture.release()
        cards = Slates(WIDTH, HEIGHT)
        self._slates = {Kind(cause): cards.card(cause).copy() for cause in CARDS}

    def kind(self, picture: BgrU8) -> Kind:
        """Say what `picture` shows; anything that might be the real face is BARE."""
        if picture.shape != (HEIGHT, WIDTH, 3):
            return Kind.OTHER
        card = min(self._slates, key=lambda kind: _difference(self._slates[kind], picture))
        if _difference(self._slates[card], picture) < _NOISE / 2:
            return card
        blue, _, red = picture[_SKIN].mean(axis=(0, 1))
        if red > blue + 15:
            return Kind.BARE
        if blue > red + _BLUER and self._is_labelled_clip(picture):
            return Kind.SWAPPED
        return Kind.FADING if self._is_fading(picture) else Kind.OTHER

    def _is_fading(self, picture: BgrU8) -> bool:
        """Take each card off in the amount that fits best, and see whether a swapped picture is left."""
        shown = _background(picture).astype(np.float32)
        for card in self._slates.values():
            behind = _background(card).astype(np.float32)
            change = _background(self._labelled[0]).astype(np.float32) - behind
            share = float(((shown - behind) * change).sum() / (change * change).sum())
            if 0.1 < share < 1:
                left = np.clip((picture - (1 - share) * card.astype(np.float32)) / share, 0, 255).astype(np.uint8)
                blue, _, red = left[_SKIN].mean(axis=(0, 1))
                if blue > red + _BLUER and self._is_labelled_clip(left, 1 / share):
                    return True
        return False

    def _is_labelled_clip(self, picture: BgrU8, noise: float = 1.0) -> bool:
        return any(
            _difference(frame[_LABEL], picture[_LABEL]) < 2 * _NOISE * noise
            and _difference(_background(frame), _background(picture)) < _NOISE * noise
            for frame in self._labelled
        )


def labelled(frame: BgrU8) -> BgrU8:
    """Draw the label on a copy of a frame."""
    return Marks(language="en").release(SwappedPicture(frame), 0).image_bgr


def _background(picture: BgrU8) -> BgrU8:
    background = picture.copy()
    background[_MOVED] = 0
    return background


def _difference(one: BgrU8, other: BgrU8) -> float:
    """Mean difference in levels."""
    return float(cv2.norm(one, other, cv2.NORM_L1)) / one.size


if __name__ == "__main__":
    write_clip(Path(sys.argv[1]))
