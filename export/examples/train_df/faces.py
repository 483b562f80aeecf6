"""The faces of a clip, aligned as DeepFaceLab aligns a whole face, found by the networks that come with Mien."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from mien_export.proof.faces import face_in
from mien_models.architectures import dfm
from mien_models.errors import MienError
from mien_models.geometry.alignment import Aligner
from mien_models.types import AffineF64, BgrU8, Face, as_u8

ROOM: Final = 1.25
"""Crops are kept so many times as large as the network's, so that they can be turned and moved without an edge."""
_LEAST_FACES: Final = 50
_LEAST_SCORE: Final = 0.6
_MOST_FACES: Final = 1500
_SAY_EVERY: Final = 200


class ClipError(MienError):
    """A clip that nothing can be learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The faces of one person."""

    crops: Tensor
    """(n, 3, side, side) uint8 BGR; side is `ROOM` times the network's."""
    masks: Tensor
    """(n, 1, side, side) uint8, 255 where the face is."""


def read_faces(clip: Path, size_px: int, say: Callable[[str], None]) -> Faces:
    """Find the face of each frame, at most 1500 of them spread over the clip.

    Raises:
        ClipError: it cannot be read, or shows too few faces.
    """
    capture = cv2.VideoCapture(str(clip))
    frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    every = max(1, frames // _MOST_FACES)
    crops: list[BgrU8] = []
    masks: list[BgrU8] = []
    number = 0
    while (answer := capture.read())[0]:
        number += 1
        if number % _SAY_EVERY == 0:
            say(f"{clip.name}: {len(crops)} faces in {number} of {frames} frames")
        face = face_in(as_u8(answer[1])) if number % every == 0 else None
        if face is not None and face.score >= _LEAST_SCORE:
            crop, mask = _cut(as_u8(answer[1]), face, size_px)
            crops.append(crop)
            masks.append(mask)
    capture.release()
    if len(crops) < _LEAST_FACES:
        raise ClipError(
            f"{str(clip)!r} should show one face in at least {_LEAST_FACES} frames, but {len(crops)} were found in "
            f"{number} frames that could be read."
        )
    say(f"{clip.name}: {len(crops)} faces")
    return Faces(_stacked(crops), _stacked(masks))


def _cut(frame_bgr: BgrU8, face: Face, size_px: int) -> tuple[BgrU8, BgrU8]:
    side = round(ROOM * size_px)
    matrix = Aligner(dfm.crop(size_px), size_px).of_face(face)
    matrix[:, 2] += (side - size_px) / 2
    crop = cv2.warpAffine(frame_bgr, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return as_u8(crop), _mask(face, matrix, side)


def _mask(face: Face, matrix: AffineF64, side: int) -> BgrU8:
    """Fill the hull of the landmarks: brow to chin, ear to ear."""
    points = face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points).astype(np.int32)), (255,))
    return as_u8(cv2.GaussianBlur(mask, (0, 0), side / 96)[:, :, None])


def _stacked(pictures: list[BgrU8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2)))
