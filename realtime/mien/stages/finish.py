"""Finish: a network repairs each face where it is composed: its edges, its tone, what the photo did not show.

What it adds is laid flat on the face's atlas and smoothed there in time, where a cheek is always in the same place: a
network that looks at single frames trembles. Of thirty frames a second it is asked for every third; in between, what
it added moves with the face.
"""

from dataclasses import dataclass, replace
from math import exp
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien.stages.composite import Paster, placed_in, underneath
from mien_models.geometry.face_mesh import face_topology, facing, unwrapper
from mien_models.geometry.finishing_crop import SIDE_PX, atlas_places, crop_from_frame, cut
from mien_models.networks.finisher import COARSE_PX, Composed
from mien_models.types import AffineF64, BgrU8, Face, SwappedFace, as_f32, as_u8

ATLAS_PX: Final = 96
"""The atlas of what is added has this side."""
LOOK_EVERY_S: Final = 0.07
"""The network is asked no more often."""
SETTLING_S: Final = 0.15
"""Time constant with which what is added follows the network's word, in seconds."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause a face is looked at anew."""
SEEN: Final = (0.05, 0.32)
"""How much a texel must face the camera to learn from it: below the first not at all, above the second fully."""
COVERS: Final = 6.0
"""From this on, in 8-bit levels, a change covers the frame where the swapped face did not."""
AROUND_PX: Final = 3
"""So many pixels more of the frame than the crop are looked at."""


class Finishing(Protocol):
    """What the stage asks."""

    def added(self, face: Composed) -> NDArray[np.float32]:
        """Say what is to be added: (128, 128, 3), in 8-bit levels."""
        ...


@dataclass(slots=True)
class _Known:
    """What is added to one face, on its atlas."""

    added: NDArray[np.float32]
    """(n, n, 3) in 8-bit levels."""
    looked_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The part of the frame that a face lies in."""

    under_bgr: BgrU8
    """What the swapped face is laid over: the frame, warped where it is."""
    frame_bgr: BgrU8
    swapped: SwappedFace
    """Placed in this part, without its warp."""
    crop_from_part: AffineF64
    """The network's crop."""
    face: Face
    """Its landmarks in pixels of this part."""


class FinishStage:
    """Adds to each swapped face what the network says; keeps what was added to each followed face."""

    name = "finish"

    def __init__(self, network: Finishing) -> None:
        """Take the network."""
        self._network = network
        self._paster = Paster()
        self._unwrap = unwrapper(ATLAS_PX)
        self._known: dict[int, _Known] = {}
        self._finishing = Part("The finish", goes_first=True)
        self.parts = (self._finishing,)
        """What may be left out, before all else: all of it."""

    def __call__(self, frame: Frame) -> Frame:
        """Finish the faces of `frame.swapped`."""
        if not self._finishing.is_on:
            self._known.clear()  # what was added is too old when it comes back
            return frame
        followed = {face.id: face for face in frame.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        if not frame.swapped:
            return frame
        chosen = {face.id: face for face in frame.chosen}
        with self._finishing.measured():
            finished = tuple(
                self._finished(frame, swapped, chosen[swapped.face_id])
                if swapped.face_id in chosen and swapped.alpha.any()
                else swapped
                for swapped in frame.swapped
            )
        return replace(frame, swapped=finished)

    def _finished(self, frame: Frame, swapped: SwappedFace, face: Face) -> SwappedFace:
        scene = _scene(frame.image, swapped, face)
        known = self._known.get(face.id)
        elapsed_s = None if known is None else (frame.captured_ns - known.looked_ns) / 1e9
        if known is None or elapsed_s is None or not 0 <= elapsed_s <= LONGEST_PAUSE_S:
            flat, _ = self._asked(scene)
            known = self._known[face.id] = _Known(flat, frame.captured_ns)
        elif elapsed_s >= LOOK_EVERY_S:
            flat, seen = self._asked(scene)
            share = np.float32(1 - exp(-elapsed_s / SETTLING_S)) * seen[..., None]
            known.added += share * (flat - known.added)
            known.looked_ns = frame.captured_ns
        places = atlas_places(scene.face.landmarks, scene.crop_from_part)
        at = as_f32(places * ATLAS_PX - 0.5)
        added = as_f32(cv2.remap(known.added, at[..., 0], at[..., 1], cv2.INTER_LINEAR))
        on_mesh = as_f32(np.where(places[..., :1] + places[..., 1:] > 0, 1.0, 0.0))
        return _with(swapped, scene, as_f32(cv2.GaussianBlur(as_f32(added * on_mesh), (3, 3), 0)))

    def _asked(self, scene: _Scene) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Ask the network: what it adds on the atlas, (n, n, 3), and how well each texel is seen, (n, n)."""
        composed = scene.under_bgr.copy()
        self._paster.paste(composed, scene.swapped)
        matrix, landmarks = scene.crop_from_part, scene.face.landmarks
        height, width = composed.shape[:2]
        alpha = as_u8(cv2.warpAffine(scene.swapped.alpha, scene.swapped.frame_from_crop, (width, height)))
        added = self._network.added(
            Composed(
                as_u8(cut(composed, matrix)), cut(alpha, matrix, border=cv2.BORDER_CONSTANT),
                as_u8(cut(scene.frame_bgr, matrix)), atlas_places(landmarks, matrix, COARSE_PX), scene.swapped.trust,
            )
        )  # fmt: skip
        points = face_topology().with_rim(landmarks)
        towards = facing(points)
        placed = as_f32(points @ np.eye(3, dtype=np.float32))
        placed[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        at, seen = self._unwrap.places(placed, towards)
        flat = cv2.remap(added, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return as_f32(flat), as_f32(np.clip((seen - SEEN[0]) / (SEEN[1] - SEEN[0]), 0, 1))


def _scene(frame_bgr: BgrU8, swapped: SwappedFace, face: Face) -> _Scene:
    """Cut out of the frame what the network's crop and the swapped face need."""
    matrix = crop_from_frame(face.landmarks)
    height, width = frame_bgr.shape[:2]
    crop_height, crop_width = swapped.alpha.shape
    corners = np.hstack([
        cv2.invertAffineTransform(matrix) @ np.array([[0, SIDE_PX, 0, SIDE_PX], [0, 0, SIDE_PX, SIDE_PX], [1] * 4]),
        swapped.frame_from_crop @ np.array([[0, crop_width, 0, crop_width], [0, 0, crop_height, crop_height], [1] * 4]),
    ])  # fmt: skip
    low = np.clip(np.floor(corners.min(axis=1)) - AROUND_PX, 0, (width - 2, height - 2)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=1)) + AROUND_PX, low + 2, (width, height)).astype(int)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    rows, columns = slice(top, bottom), slice(left, right)
    under = underneath(frame_bgr, swapped, rows, columns)
    matrix[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    landmarks = face.landmarks - np.array([left, top, 0], np.float32)
    placed = placed_in(swapped, left, top)
    return _Scene(under, frame_bgr[rows, columns], placed, matrix, replace(face, landmarks=as_f32(landmarks)))


def _with(swapped: SwappedFace, scene: _Scene, added: NDArray[np.float32]) -> SwappedFace:
    """Let the crop show what is added, also where it did not cover the frame before."""
    height, width = swapped.alpha.shape
    part_from_crop = np.vstack([scene.swapped.frame_from_crop, (0, 0, 1)])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    change = as_f32(cv2.warpAffine(added, scene.crop_from_part @ part_from_crop, (width, height), flags=how))
    beneath = cv2.warpAffine(
        scene.under_bgr, scene.swapped.frame_from_crop, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    before = as_f32(swapped.alpha) / 255
    covers = np.maximum(before, np.clip(np.abs(change).max(axis=2) / COVERS, 0, 1))
    below = as_f32(beneath)
    shown = before[..., None] * (as_f32(swapped.crop_bgr) - below) + change
    crop = below + shown / np.maximum(covers, 1 / 255)[..., None]
    visible = np.where((covers > 0)[..., None], crop, swapped.crop_bgr)
    return replace(
        swapped,
        crop_bgr=np.clip(visible + 0.5, 0, 255).astype(np.uint8),
        alpha=(covers * 255 + 0.5).astype(np.uint8),
    )
