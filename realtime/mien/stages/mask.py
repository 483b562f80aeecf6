"""What lies in front of a face stays there, and the face's outline ends as the user wishes.

What a mask method promises stands here, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, hypot
from typing import Any, Final, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien_models.geometry.crop import Region
from mien_models.plugins import Plugins
from mien_models.system.sentence import sentence
from mien_models.types import AffineF64, BgrU8, Face, MaskU8, SwappedFace, as_f32, as_u8


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
    """Takes pixels of `image` to pixels of the frame, of the camera's own: no warp of a swapped face is in it."""


class MaskMethod(Protocol):
    """Says what lies in front of a face; may remember each face by its id. One thread at a time calls it."""

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


@runtime_checkable
class LearningMask(MaskMethod, Protocol):
    """A mask method that learns what a face looks like bare; the others are asked first."""

    def mask_given(
        self, frame_bgr: BgrU8, face: Face, *, captured_ns: int, in_front: Sequence[FaceMask]
    ) -> FaceMask | None:
        """Do as `mask`, and learn nothing where the masks of the others hide the face in this frame."""
        ...


class MaskFactory(Protocol):
    """Makes a mask method."""

    def __call__(self, target: str, /) -> MaskMethod:
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


LOOKED_UP_PX: Final = 140
"""A mask is looked up on a grid of at most about so many places each way and enlarged: masks are small themselves."""
INSIDE: Final = 64
"""An outline runs where the alpha passes this, of 255."""


class MaskStage:
    """Multiplies each swapped face's alpha by what its masks leave open; the methods remember faces by their id."""

    name = "mask"

    def __init__(self, methods: Sequence[MaskMethod], edge: Edge) -> None:
        """Take the methods; where several are given, the one that leaves least open counts."""
        self._methods = tuple(sorted(methods, key=lambda method: isinstance(method, LearningMask)))
        self._edge = edge
        self._looking = Part(sentence("The mask for what is in front of the face"))
        self.parts: tuple[Part, ...] = (self._looking,) if self._methods else ()
        """What may be left out: looking for what is in front; the edge that the user wished for stays."""
        self._known: frozenset[int] = frozenset()
        self._shot = 0

    def __call__(self, frame: Frame) -> Frame:
        """Mask the faces of `frame.swapped`; what was kept of a face that is no longer followed is dropped."""
        faces = {face.id: face for face in frame.chosen}
        is_looking = self._looking.is_on
        self._forget_others(frame, frozenset(faces) if is_looking else frozenset[int](), is_looking=is_looking)
        swapped = tuple(
            self._masked(frame, swapped, faces[swapped.face_id], is_looking=is_looking)
            if swapped.face_id in faces
            else swapped
            for swapped in frame.swapped
        )
        return replace(frame, swapped=swapped)

    def _forget_others(self, frame: Frame, looked_at: frozenset[int], *, is_looking: bool) -> None:
        # What a method knew before it was left out is too old when it comes back.
        followed = frozenset(face.id for face in frame.faces) if is_looking else frozenset[int]()
        # After a cut a face that goes on looks unlike its own past, which would be taken for something in front of it.
        forgotten = self._known - followed - looked_at if frame.shot == self._shot else self._known
        self._shot = frame.shot
        for face_id in forgotten:
            for method in self._methods:
                method.forget(face_id)
        self._known = (self._known & followed) | looked_at

    def _masked(self, frame: Frame, swapped: SwappedFace, face: Face, *, is_looking: bool) -> SwappedFace:
        factors = self._in_front(frame, swapped, face) if is_looking else []
        if self._edge != Edge():
            factors.append(_edge_factor(swapped, self._edge, face.width_px))
        if not factors:
            return swapped
        factor = factors[0]
        for other in factors[1:]:
            factor = as_u8(cv2.min(factor, other))
        return replace(swapped, alpha=as_u8(cv2.multiply(swapped.alpha, factor, scale=1 / 255)))

    def _in_front(self, frame: Frame, swapped: SwappedFace, face: Face) -> list[MaskU8]:
        with self._looking.measured():
            found: list[FaceMask] = []
            for method in self._methods:
                if isinstance(method, LearningMask):
                    mask = method.mask_given(frame.image, face, captured_ns=frame.captured_ns, in_front=tuple(found))
                else:
                    mask = method.mask(frame.image, face, captured_ns=frame.captured_ns)
                found.extend([] if mask is None else [mask])
            return [opened(mask, swapped) for mask in found]


def opened(mask: FaceMask, swapped: SwappedFace) -> MaskU8:
    """Bring a mask of the frame to a swapped face: (h, w) of its alpha, through its warp if it has one."""
    height, width = swapped.alpha.shape
    step = _step(swapped.alpha)
    columns = (np.arange(-(-width // step), dtype=np.float32) + 0.5) * step - 0.5
    rows = ((np.arange(-(-height // step), dtype=np.float32) + 0.5) * step - 0.5)[:, None]
    at_x, at_y = _moved(swapped.frame_from_crop, columns, rows)
    if swapped.warp is not None:
        at_x, at_y = swapped.warp.origin(at_x, at_y)
    at_x, at_y = _moved(cv2.invertAffineTransform(mask.frame_from_mask), at_x, at_y)
    looked_up = cv2.remap(mask.image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _enlarged(as_u8(looked_up), step, width, height)


def _edge_factor(swapped: SwappedFace, edge: Edge, face_width_px: float) -> MaskU8:
    """Rise from 0 to 255 inwards from the crop's outline; where the frame's edge cuts the face, there is no outline."""
    height, width = swapped.alpha.shape
    step = _step(swapped.alpha)
    size = -(-width // step), -(-height // step)
    small = as_u8(cv2.resize(swapped.alpha, size, interpolation=cv2.INTER_AREA))
    contours, _ = cv2.findContours(
        as_u8(cv2.threshold(small, INSIDE, 255, cv2.THRESH_BINARY)[1]), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    # Filled: the holes for the eyes and the mouth have edges of their own.
    outline = as_u8(cv2.drawContours(np.zeros_like(small), contours, -1, (255,), cv2.FILLED))
    pixels_per_part = face_width_px / (step * hypot(*swapped.frame_from_crop[:, 0]))
    inwards = as_f32(cv2.distanceTransform(outline, cv2.DIST_L2, 5)) - edge.erode * pixels_per_part
    t = np.clip(inwards / max(edge.feather * pixels_per_part, 1.0), 0, 1)
    return _enlarged(as_u8(t * t * (3 - 2 * t) * 255 + 0.5), step, width, height)


def _moved(
    matrix: np.ndarray[Any, Any], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take places through a 2x3 matrix."""
    (a, b, left), (c, d, top) = matrix.tolist()
    return as_f32(a * x + b * y + left), as_f32(c * x + d * y + top)


def _step(alpha: MaskU8) -> int:
    height, width = alpha.shape
    step: int = max(1, ceil(max(height, width) / LOOKED_UP_PX))
    return step


def _enlarged(image: MaskU8, step: int, width: int, height: int) -> MaskU8:
    """Spread a picture at a fraction of the resolution over all of it."""
    if step == 1:
        return image
    size = image.shape[1] * step, image.shape[0] * step
    return as_u8(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)[:height, :width])
