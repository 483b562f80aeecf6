"""What an autoencoder is asked: a bent picture of a face goes in, the unbent one should come out.

Bending keeps it from copying: it has to learn what the person looks like. The answer's place is moved and turned with
it, so that few frames go a long way. As in DeepFaceLab's `SampleProcessor` (random warp).
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from faces import ROOM, Faces
from torch import Tensor
from torch.nn import functional

_TURN_RAD: Final = math.radians(10)
_SCALE: Final = 0.05
_SHIFT: Final = 0.05
_CELLS: Final = 5
_BEND: Final = 0.11
"""Standard deviation of a grid corner's shift, in parts of a cell times two."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One question."""

    warped: Tensor
    """(n, 3, size, size) BGR 0..1, what the network sees."""
    face: Tensor
    """(n, 3, size, size) BGR 0..1, what it should give."""
    mask: Tensor
    """(n, 1, size, size) 0..1."""


def sample(faces: Faces, count: int, size_px: int) -> Batch:
    """Choose faces and bend them, by torch's random numbers."""
    chosen = torch.randint(0, len(faces.crops), (count,))
    crops, masks = faces.crops[chosen].float() / 255, faces.masks[chosen].float() / 255
    grid = functional.affine_grid(_moves(count), [count, 3, size_px, size_px], align_corners=False)
    warp = torch.randn(count, 2, _CELLS, _CELLS) * _BEND / _CELLS * 2 / ROOM
    smooth = functional.interpolate(warp, size=(size_px, size_px), mode="bicubic", align_corners=True)
    return Batch(_seen(crops, grid + smooth.permute(0, 2, 3, 1)), _seen(crops, grid), _seen(masks, grid))


def straight(faces: Faces, chosen: Tensor, size_px: int) -> Tensor:
    """Give faces as the live program cuts them, (n, 3, size, size) BGR 0..1."""
    plain = torch.tensor([[1 / ROOM, 0.0, 0.0], [0.0, 1 / ROOM, 0.0]]).repeat(len(chosen), 1, 1)
    grid = functional.affine_grid(plain, [len(chosen), 3, size_px, size_px], align_corners=False)
    return _seen(faces.crops[chosen].float() / 255, grid)


def _moves(count: int) -> Tensor:
    """Turn, scale, move and sometimes mirror: (n, 2, 3), from the network's picture to the kept crop."""
    turn = (torch.rand(count) * 2 - 1) * _TURN_RAD
    scale = (1 + (torch.rand(count) * 2 - 1) * _SCALE) / ROOM
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    cos, sin = turn.cos() * scale, turn.sin() * scale
    shift = (torch.rand(count, 2) * 2 - 1) * _SHIFT
    rows = [torch.stack([cos * mirror, -sin, shift[:, 0]], 1), torch.stack([sin * mirror, cos, shift[:, 1]], 1)]
    return torch.stack(rows, 1)


def _seen(pictures: Tensor, grid: Tensor) -> Tensor:
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
