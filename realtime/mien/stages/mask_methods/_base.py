"""What a mask method sees and what it answers: a frame and a face in, where the new face may be drawn out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mien_models.errors import UsageError
from mien_models.geometry.crop import Region
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

    def __call__(self, network: Path | None) -> MaskMethod:
        """Load what it needs.

        Args:
            network: a file of the user's, what follows the colon of `--mask NAME:FILE`.

        Raises:
            UsageError: it needs a file and got none, or takes none and got one.
            ModelError: the file is no network, or another one than it expects.
        """
        ...


@dataclass(frozen=True, slots=True)
class Edge:
    """How the outline of a swapped face ends, in parts of the face's width."""

    erode: float = 0.0
    """So far inside its outline it begins."""
    feather: float = 0.0
    """So far it fades in from there."""


def parse_mask(spec: str) -> tuple[str, Path | None]:
    """Take 'name' or 'name:file' apart."""
    name, _, file = spec.partition(":")
    return name, Path(file) if file else None


def refuse_network(name: str, network: Path | None) -> None:
    """Refuse a file for a mask that takes none.

    Raises:
        UsageError: there is one.
    """
    if network is not None:
        raise UsageError(f"The mask {name!r} takes no file, got {str(network)!r}: write --mask {name}.")


def require_network(name: str, network: Path | None) -> Path:
    """Give the file that a mask needs.

    Raises:
        UsageError: there is none.
    """
    if network is None:
        raise UsageError(f"The mask {name!r} needs your network, an ONNX file: write --mask {name}:FILE.onnx.")
    return network
