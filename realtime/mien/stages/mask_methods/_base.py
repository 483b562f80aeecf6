"""What a mask method sees and what it answers: a frame and a face in, where the new face may be drawn out."""

import math
from dataclasses import dataclass
from typing import Final, Protocol

from mien_models.geometry.crop import Region
from mien_models.plugins import Plugins
from mien_models.types import AffineF64, BgrU8, Face, MaskU8


def upright_region(face: Face, around: float) -> Region:
    """Give a square `around` times as large as the face's box, turned with its eyes."""
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
    eyes = face.five_points[1] - face.five_points[0]
    side_px = around * max(right - left, bottom - top)
    return Region(((left + right) / 2, (top + bottom) / 2), side_px, math.atan2(float(eyes[1]), float(eyes[0])))


OPEN: Final = 255
"""Where the face may be drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceMask:
    """Where a face may be drawn: a small picture and its place in the frame."""

    image: MaskU8
    """(h, w) 255 where the face may be drawn, 0 where something is in front of it. Beyond its edges, they go on."""
    frame_from_mask: AffineF64
    """Takes pixels of `image` to pixels of the frame, of the camera's own: no bend of a swapped face is in it."""


class MaskMethod(Protocol):
    """Says what lies in front of a face; may remember each face by its id. One thread calls it."""

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Look at one face of one frame; None where nothing is in front of it.

        Args:
            frame_bgr: (h, w, 3) only read.
            face: one that is swapped in this frame.
            captured_ns: when the frame was taken; never earlier than in the call before.
        """
        ...

    def forget(self, face_id: int) -> None:
        """Drop what is kept of a face; does nothing for one that it never saw."""
        ...


class MaskFactory(Protocol):
    """Makes a mask method."""

    def __call__(self, target: str) -> MaskMethod:
        """Load what it needs.

        Args:
            target: what follows the colon of `--mask NAME:FILE`, a file of the user's; '' for nothing.

        Raises:
            ModelError: the file is no network, or another one than it expects.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskPlugin:
    """One kind of mask, as its file says it."""

    make: MaskFactory
    help: str
    """What it keeps in front of the face, and what that costs, in a few words for lists."""
    target: str = ""
    """What follows its name and a colon: 'FILE.onnx' for a network of the user's, '' for nothing."""


MASKS: Final[Plugins[MaskPlugin]] = Plugins("mien.stages.mask_methods", "mask", MaskPlugin)


@dataclass(frozen=True, slots=True)
class Edge:
    """How the outline of a swapped face ends, in parts of the face's width."""

    erode: float = 0.0
    """So far inside its outline it begins."""
    feather: float = 0.0
    """So far it fades in from there."""
