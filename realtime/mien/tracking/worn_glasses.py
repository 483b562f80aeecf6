"""Where the user's own glasses are: rims, bridge and temples, and lenses that hide the eyes.

One small network says whether there are some, another where they are, on the band of the face's atlas around the eyes.
There glasses keep their place while the face moves: what is seen there again and again is a rim, what comes and goes a
fold or a lash.
"""

from dataclasses import dataclass
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology, rasterise
from mien_models.networks.eyewear import Eyewear
from mien_models.networks.rims import BAND, ROWS, SIDE_PX, Rims, band_triangles, flat_band
from mien_models.swappers.mesh.glasses import dark_lenses
from mien_models.types import BgrU8, Face, MaskU8, PointsF32, as_f32, as_u8

LOOK_EVERY_S: Final = (0.15, 0.5)
"""Glasses are looked for no more often than this, until they are known and afterwards: they sit still on a face."""
KNOWN_AFTER: Final = 6
"""They are known after so many looks."""
BELIEF_S: Final = 0.5
"""Time constant with which it is believed or no more that there are some."""
PLACE_S: Final = 0.4
"""Time constant with which their place on the face follows what is seen."""
BELIEVED: Final = (0.35, 0.7)
"""Glasses that were not believed in are from the second on, believed ones no more below the first."""
SHOWN: Final = (0.12, 0.35)
"""What is less surely a rim than the first is none, from the second on it is one."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause a face is looked at anew."""
DRAWN_PX: Final = 100.0
"""Where pixels lie on the atlas is drawn at the resolution at which a face is about so wide, and enlarged."""
JUMP: Final = 4.0
"""Two surfaces meet where neighbouring pixels are so many times further apart on the atlas than if seen straight."""


@dataclass(slots=True)
class _Seen:
    """What is known of one face."""

    looked_ns: int
    worn: float
    """How surely there are glasses, 0..1."""
    dark: float
    in_front: NDArray[np.float32]
    """(112, 256) on the band of the atlas, how surely glasses are there, 0..1."""
    place: "GlassesPlace | None" = None
    """The same for use."""
    looks: int = 0
    is_believed: bool = False


class WornGlasses:
    """Looks a few times a second; remembers each face's glasses by its id."""

    def __init__(self, network: Eyewear, rims: Rims) -> None:
        """Take the network that sees whether there are glasses, and the one that sees where."""
        self._network = network
        self._rims = rims
        self._seen: dict[int, _Seen] = {}

    def place(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> "GlassesPlace | None":
        """Find the glasses of one face on its atlas; None for a bare one.

        `captured_ns` is never earlier than in the call before.
        """
        seen = self._seen.get(face.id)
        elapsed_s = None if seen is None else (captured_ns - seen.looked_ns) / 1e9
        if seen is None or elapsed_s is None or not 0 <= elapsed_s <= LONGEST_PAUSE_S:
            seen = self._seen[face.id] = _Seen(captured_ns, 0.5, 0.5, np.zeros((ROWS, SIDE_PX), np.float32))
            elapsed_s = LOOK_EVERY_S[1]
        if elapsed_s >= LOOK_EVERY_S[seen.looks >= KNOWN_AFTER]:
            self._look(seen, frame_bgr, face, elapsed_s)
            seen.looked_ns = captured_ns
        return seen.place if seen.is_believed else None

    def forget(self, face_id: int) -> None:
        """Drop what was seen of a face."""
        self._seen.pop(face_id, None)

    def _look(self, seen: _Seen, frame_bgr: BgrU8, face: Face, elapsed_s: float) -> None:
        look = self._network.look(frame_bgr, face.landmarks)
        seen.looks += 1
        share = max(1 - exp(-elapsed_s / BELIEF_S), 1 / seen.looks)
        seen.worn += share * (look.worn - seen.worn)
        seen.dark += share * (look.dark - seen.dark)
        seen.is_believed = seen.worn > BELIEVED[0 if seen.is_believed else 1]
        if not seen.is_believed:
            return
        band, towards = flat_band(frame_bgr, face.landmarks)
        found = self._rims.look(band)
        if seen.dark > BELIEVED[1]:
            found = np.maximum(found, as_f32(dark_lenses(band)) / 255)
        share = max(1 - exp(-elapsed_s / PLACE_S), 1 / seen.looks)
        seen.in_front += share * towards * (found - seen.in_front)
        seen.place = _for_use(seen.in_front)


@dataclass(frozen=True, slots=True, eq=False)
class GlassesPlace:
    """Where glasses are on a face's atlas."""

    shares: MaskU8
    """(112, 256) on the band around the eyes: 0 none, 255 surely."""
    triangles: NDArray[np.int32]
    """(n, 3) those of the mesh's triangles that they lie on."""


def _for_use(in_front: NDArray[np.float32]) -> GlassesPlace | None:
    covered = np.clip((in_front - SHOWN[0]) / (SHOWN[1] - SHOWN[0]), 0, 1)
    covered[0], covered[-1], covered[:, 0], covered[:, -1] = 0, 0, 0, 0
    shares = (covered * 255 + 0.5).astype(np.uint8)
    _, top, width, height = cv2.boundingRect(shares)
    if width == 0:
        return None
    rows = face_topology().atlas[band_triangles(), 1] * SIDE_PX - BAND.start
    reaches = (rows.max(axis=1) > top - 1) & (rows.min(axis=1) < top + height + 1)
    return GlassesPlace(shares, np.ascontiguousarray(band_triangles()[reaches]))


@dataclass(frozen=True, slots=True, eq=False)
class PlacedMask:
    """A mask and where it lies, in whole pixels of the picture that a mesh was placed in."""

    image: MaskU8
    left: int
    top: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        height, width = self.image.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def laid_over(glasses: GlassesPlace, points: PointsF32, width: int, height: int) -> PlacedMask | None:
    """Draw glasses over a mesh; None where nothing of them lies in the picture.

    Args:
        glasses: where they are on the atlas.
        points: (504, 3) the mesh with its rim, in pixels of the picture.
        width: of the picture.
        height: of the picture.
    """
    xy = points[glasses.triangles.ravel(), :2]
    (left, top), (right, bottom) = (
        np.clip(edge, 0, (width, height)).astype(int).tolist()
        for edge in (np.floor(xy.min(axis=0)), np.ceil(xy.max(axis=0)) + 1)
    )
    if right - left < 2 or bottom - top < 2:
        return None
    placed = points.copy()
    placed[:, :2] -= (left, top)
    at_x, at_y, whole = _on_band(glasses.triangles, placed, right - left, bottom - top)
    found = cv2.remap(glasses.shares, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return PlacedMask(as_u8(cv2.min(found, whole)), left, top)


def _on_band(
    triangles: NDArray[np.int32], points: PointsF32, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], MaskU8]:
    """Say where on the band each pixel of a picture lies, x and y, and where one surface is seen: 255."""
    face_px = float(np.ptp(points[:, 0]))
    step = max(1, round(face_px / DRAWN_PX))
    columns, rows = -(-width // step), -(-height // step)
    placed = points / np.float32(step)
    placed[:, :2] = (points[:, :2] + 0.5) / step - 0.5
    attributes = np.ones((len(points), 3), np.float32)
    attributes[:, :2] = face_topology().atlas * SIDE_PX - (0.5, BAND.start + 0.5)
    drawn = rasterise(placed, triangles, attributes, width=columns, height=rows, cull_back_faces=False)
    torn = cv2.max(*cv2.split(cv2.morphologyEx(drawn, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))[:2])
    *places, covered = cv2.split(drawn)
    covered[torn > JUMP * step * SIDE_PX / face_px] = 0
    large = (
        cv2.resize(image, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)[:height, :width]
        for image in (*places, (covered * 255).astype(np.uint8))
    )
    at_x, at_y, whole = large
    return as_f32(at_x), as_f32(at_y), as_u8(whole)
