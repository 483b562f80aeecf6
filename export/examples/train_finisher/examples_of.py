"""Stored pairs become tensors, and look a little different each time."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as f

INSIDE: Final = 0.02
"""Places whose coordinates add up to more lie on the mesh or its rim."""
SIDE_PX: Final = 128


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """A batch; pictures are 0..1, all (n, c, 128, 128)."""

    composed: Tensor
    alpha: Tensor
    light: Tensor
    atlas: Tensor
    trust: Tensor
    wanted: Tensor
    region: Tensor
    """Where the network may change anything: the mesh and a band around it, 0..1."""
    kind: Tensor
    """(n,)."""

    def inputs(self) -> Tensor:
        """(n, 10, 128, 128) what the network is given."""
        parts = (self.composed, self.alpha, self.light, self.atlas, self.trust)
        return (torch.cat(parts, 1) - 0.5).contiguous(memory_format=torch.channels_last)

    def part(self, rows: slice) -> "Examples":
        """Give some of them."""
        return Examples(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined(a: Examples, b: Examples) -> Examples:
    """Give both, one after the other."""
    return Examples(*(torch.cat([getattr(a, field.name), getattr(b, field.name)]) for field in fields(Examples)))


def examples(columns: Mapping[str, Tensor]) -> Examples:
    """Bring stored pairs, 8-bit tensors, to full size where they are."""
    composed, wanted, light, atlas = (_shares(columns[key]) for key in ("composed", "wanted", "light", "atlas"))
    alpha, trust = (_shares(columns[key][..., None]) for key in ("alpha", "trust"))
    atlas, trust = (_enlarged(coarse) for coarse in (atlas, trust))
    light = f.interpolate(light, (SIDE_PX, SIDE_PX), mode="bicubic", align_corners=False)
    return Examples(composed, alpha, light, atlas, trust, wanted, region(atlas), columns["kind"].long())


def region(atlas: Tensor) -> Tensor:
    """Say where the network may work, from places on the atlas: (n, 1, 128, 128)."""
    inside = (f.avg_pool2d(atlas, 4).sum(1, keepdim=True) > INSIDE).float()
    grown = f.max_pool2d(inside, 7, 1, 3)
    soft = f.avg_pool2d(f.pad(grown, (2, 2, 2, 2), mode="replicate"), 5, 1)
    return f.interpolate(soft, (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)


def varied(batch: Examples) -> Examples:
    """Mirror some, change exposure and colour, and put the worn skin's tone a little off."""
    n, device = len(batch.kind), batch.composed.device
    mirrored = (torch.rand(n, device=device) < 0.5)[:, None, None, None]

    def turned(x: Tensor) -> Tensor:
        return torch.where(mirrored, x.flip(3), x)

    def drawn(spread: float, *shape: int) -> Tensor:
        return torch.randn(n, *shape, 1, 1, device=device) * spread

    atlas = turned(batch.atlas)
    inside = (atlas.sum(1, keepdim=True) > INSIDE).float()
    atlas = torch.cat([torch.where(mirrored, (1 - atlas[:, :1]) * inside, atlas[:, :1]), atlas[:, 1:]], 1)
    gain = torch.exp(drawn(0.06, 3) + drawn(0.15, 1))
    composed, light, wanted = ((turned(x) * gain).clamp(0, 1) for x in (batch.composed, batch.light, batch.wanted))
    alpha = turned(batch.alpha)
    off = (drawn(0.012, 3) + drawn(0.018, 1)) * (torch.rand(n, 1, 1, 1, device=device) < 0.7)
    composed = (composed + 2 * off * alpha * composed.mean((2, 3), keepdim=True)).clamp(0, 1)
    return Examples(composed, alpha, light, atlas, turned(batch.trust), wanted, turned(batch.region), batch.kind)


def _shares(stored: Tensor) -> Tensor:
    return stored.permute(0, 3, 1, 2).float() / 255


def _enlarged(coarse: Tensor) -> Tensor:
    """Enlarge what is 0 beside the mesh without dragging 0 into its edge's places."""
    return f.interpolate(coarse, (SIDE_PX, SIDE_PX), mode="nearest")
