"""Where the user's own glasses are: rims, bridge and temples, and lenses that hide the eyes.

A small network says whether there are some. Where they are is told by lines, on the face laid flat, where glasses keep
their place while the face moves: what is seen there again and again is a rim, what comes and goes a fold or a lash.
"""

from dataclasses import dataclass
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import MeshPatch, atlas_points_px, face_topology, facing, mesh_patch, rasterise
from mien_models.networks.eyewear import Eyewear
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.glasses import Glasses, glasses_in_front
from mien_models.types import AffineF64, BgrU8, Face, as_f32, as_u8

LOOK_EVERY_S: Final = 0.15
"""Glasses are looked for no more often than this: they sit still on a face."""
BELIEF_S: Final = 0.5
"""Time constant with which it is believed or no more that there are some."""
PLACE_S: Final = 0.4
"""Time constant with which their place on the face follows what is seen."""
BELIEVED: Final = (0.35, 0.7)
"""Glasses that were not believed in are from the second on, believed ones no more below the first."""
SHOWN: Final = (0.3, 0.6)
"""What was marked in less than the first part of the looks is none, in more than the second it surely is."""
TOWARDS: Final = (0.1, 0.35)
"""How much a texel must face the camera to be looked at."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause a face is looked at anew."""
FINEST_PX: Final = 320.0
"""The mask is made at the resolution at which a face is at most so wide."""


@dataclass(slots=True)
class _Seen:
    """What is known of one face."""

    looked_ns: int
    worn: float
    """How surely there are glasses, 0..1."""
    dark: float
    in_front: NDArray[np.float32]
    """(n, n) on the atlas, how often glasses were marked, 0..1."""
    looks: int = 1
    is_believed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class GlassesPlace:
    """Where glasses are, as a small picture and its place in the frame."""

    shares: NDArray[np.float32]
    """(h, w) how surely they are there, 0..1; beyond its edges there are none."""
    frame_from_shares: AffineF64


class WornGlasses:
    """Looks a few times a second; remembers each face's glasses by its id."""

    def __init__(self, network: Eyewear) -> None:
        """Take the network that sees glasses."""
        self._network = network
        self._seen: dict[int, _Seen] = {}

    def place(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> GlassesPlace | None:
        """Find the glasses of one face; None for a bare one. `captured_ns` is never earlier than in the call before."""
        region = mesh_patch(frame_bgr, face_topology().with_rim(face.landmarks))
        if region is None:
            return None
        seen = self._seen.get(face.id)
        elapsed_s = None if seen is None else (captured_ns - seen.looked_ns) / 1e9
        if seen is None or elapsed_s is None or not 0 <= elapsed_s <= LONGEST_PAUSE_S:
            nothing = np.zeros((SIDE_PX, SIDE_PX), np.float32)
            seen = self._seen[face.id] = _Seen(captured_ns, 0.5, 0.5, nothing, looks=0)
            elapsed_s = LOOK_EVERY_S
        if elapsed_s >= LOOK_EVERY_S:
            self._look(seen, frame_bgr, face, region, elapsed_s)
            seen.looked_ns = captured_ns
        return _placed(seen.in_front, region) if seen.is_believed else None

    def forget(self, face_id: int) -> None:
        """Drop what was seen of a face."""
        self._seen.pop(face_id, None)

    def _look(self, seen: _Seen, frame_bgr: BgrU8, face: Face, region: MeshPatch, elapsed_s: float) -> None:
        look = self._network.look(frame_bgr, face.landmarks)
        seen.looks += 1
        share = max(1 - exp(-elapsed_s / BELIEF_S), 1 / seen.looks)
        seen.worn += share * (look.worn - seen.worn)
        seen.dark += share * (look.dark - seen.dark)
        seen.is_believed = seen.worn > BELIEVED[0 if seen.is_believed else 1]
        if not seen.is_believed:
            return
        flat, towards = _flat(region)
        marked = glasses_in_front(flat, Glasses(are_worn=True, are_dark=seen.dark > BELIEVED[1]))
        share = max(1 - exp(-elapsed_s / PLACE_S), 1 / seen.looks)
        seen.in_front += share * towards * (as_f32(marked) / 255 - seen.in_front)


def _flat(region: MeshPatch) -> tuple[BgrU8, NDArray[np.float32]]:
    """Lay a face flat at the side that rims are looked for at, and say how much of each texel is seen, 0..1."""
    height, width = region.bgr.shape[:2]
    attributes = np.empty((len(region.points), 3), np.float32)
    attributes[:, :2] = (region.points[:, :2] + 0.5) / [width, height]
    attributes[:, 2] = np.clip((facing(region.points) - TOWARDS[0]) / (TOWARDS[1] - TOWARDS[0]), 0, 1)
    drawn = rasterise(atlas_points_px(SIDE_PX), face_topology().triangles, attributes, width=SIDE_PX, height=SIDE_PX)
    at_x, at_y = (as_f32(drawn[..., axis] * size - 0.5) for axis, size in ((0, width), (1, height)))
    flat = cv2.remap(region.bgr, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return as_u8(flat), np.ascontiguousarray(drawn[..., 2])


def _placed(in_front: NDArray[np.float32], region: MeshPatch) -> GlassesPlace:
    """Bring what is in front to the frame."""
    height, width = region.bgr.shape[:2]
    step = max(1.0, float(np.ptp(region.points[:, 0])) / FINEST_PX)
    columns, rows = (max(2, round(size / step)) for size in (width, height))
    scale = np.array([columns / width, rows / height, 1 / step], np.float32)
    half = np.array([0.5, 0.5, 0], np.float32)
    points = (region.points + half) * scale - half
    attributes = np.zeros((len(points), 3), np.float32)
    attributes[:, :2] = face_topology().atlas
    drawn = rasterise(points, face_topology().triangles, attributes, width=columns, height=rows, cull_back_faces=False)
    at_x, at_y = (as_f32(drawn[..., axis] * SIDE_PX - 0.5) for axis in (0, 1))
    found = as_f32(cv2.remap(in_front, at_x, at_y, cv2.INTER_LINEAR))
    covered = np.clip((found - SHOWN[0]) / (SHOWN[1] - SHOWN[0]), 0, 1)
    covered[0], covered[-1], covered[:, 0], covered[:, -1] = 0, 0, 0, 0
    x, y = 1 / float(scale[0]), 1 / float(scale[1])
    frame_from_shares = np.array([[x, 0, region.left + (x - 1) / 2], [0, y, region.top + (y - 1) / 2]], np.float64)
    return GlassesPlace(as_f32(covered), frame_from_shares)
