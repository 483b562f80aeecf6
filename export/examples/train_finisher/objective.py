"""What the network is to bring about: the right picture, its edges and its tone; and a stranger's face left alone."""

from typing import Final

import torch
from examples_of import Examples
from torch import Tensor
from torch.nn import functional as f

FAR_OFF: Final = 0.1
"""Where the composed picture is off by more, glasses remain or a side is missing."""
FAR_OFF_COUNTS: Final = 4.0
"""Such places are few and count so much more."""
EDGES: Final = (1, 2, 4)
"""Gradients are compared at these reductions."""
TONE: Final = 8
KEPT_EDGES: Final = 0.35


def weights(batch: Examples) -> Tensor:
    """(n, 1, h, w) how much each pixel counts."""
    off = ((batch.composed - batch.wanted).abs().mean(1, keepdim=True) > FAR_OFF).float()
    return batch.region * (1 + FAR_OFF_COUNTS * f.max_pool2d(off, 3, 1, 1))


def difference(out: Tensor, batch: Examples) -> Tensor:
    """How far pictures are from the right ones."""
    weight = weights(batch)
    mean = weight.mean() + 1e-6
    total = ((out - batch.wanted).abs() * weight).mean()
    for step in EDGES:
        for made, right, counts in zip(
            _edges(out, step), _edges(batch.wanted, step), _shares(weight, step), strict=True
        ):
            total = total + 0.5 * ((made - right).abs() * counts).mean()
    made, right, counts = (f.avg_pool2d(x, TONE) for x in (out, batch.wanted, weight))
    return (total + 0.5 * ((made - right).abs() * counts).mean()) / mean


def strayed(out: Tensor, batch: Examples) -> Tensor:
    """How far a stranger's face was changed where the photo really showed it: its tone and its edges are its own."""
    sure = batch.alpha * batch.trust
    mean = batch.region.mean() + 1e-6
    made, was, counts = (f.avg_pool2d(x, 4) for x in (out, batch.composed, sure))
    total = ((made - was).abs() * counts).mean()
    for step in (1, 2):
        for a, b, share in zip(_edges(out, step), _edges(batch.composed, step), _shares(sure, step), strict=True):
            total = total + KEPT_EDGES * ((a - b).abs() * share).mean()
    return total / mean


def critic_loss(of_real: Tensor, of_made: Tensor, region: Tensor) -> Tensor:
    """What a critic is to bring down: hinges, inside the region only."""
    return ((f.relu(1 - of_real) + f.relu(1 + of_made)) * region).mean()


def unconvincing(of_made: Tensor, region: Tensor) -> Tensor:
    """What the network is to bring down: that the critic sees through it."""
    return -(of_made * region).mean() / (region.mean() + 1e-6)


def errors_by_place(out: Tensor, batch: Examples) -> dict[str, tuple[float, float]]:
    """Give for each kind of place the mean error before and after, in 8-bit levels; only places that there are."""
    before, after = ((x - batch.wanted).abs().mean(1, keepdim=True) * 255 for x in (batch.composed, out))
    inside = batch.region > 0.9
    around = f.avg_pool2d(batch.alpha, 9, 1, 4)
    places = {
        "seen": (batch.trust > 0.8) & (batch.alpha > 0.9),
        "filled": (batch.trust < 0.2) & (batch.alpha > 0.9),
        "holes": (batch.alpha < 0.5) & (around > 0.4) & inside,
        "edge": (batch.alpha > 0.1) & (batch.alpha < 0.9),
        "far off": (before > 25) & inside,
    }
    found: dict[str, tuple[float, float]] = {}
    for name, where in places.items():
        if int(where.sum()) > 20:
            found[name] = (float(before[where].mean()), float(after[where].mean()))
    return found


def _edges(x: Tensor, step: int) -> tuple[Tensor, Tensor]:
    x = f.avg_pool2d(x, step) if step > 1 else x
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def _shares(x: Tensor, step: int) -> tuple[Tensor, Tensor]:
    x = f.avg_pool2d(x, step) if step > 1 else x
    return x[..., 1:], x[..., 1:, :]


def real_and_made(out: Tensor, batch: Examples) -> tuple[Tensor, Tensor, Tensor]:
    """Give what a critic looks at, centred on 0, and the region at its patches' size."""
    seen = torch.nn.functional.interpolate(batch.region, size=16, mode="area")
    return batch.wanted - 0.5, out - 0.5, seen
