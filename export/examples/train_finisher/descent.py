"""How the small networks learn: AdamW, a rate that rises at once and falls slowly, gradients of bounded length."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

LossOf = Callable[[NDArray[np.intp], np.random.Generator], Tensor]
"""How far the network is off on some of the examples, by their numbers; chance may change them."""


@dataclass(frozen=True, slots=True)
class Descent:
    """How long, in which portions, how fast."""

    steps: int
    batch: int
    rate: float
    decay: float
    tells_every: int


def descend(
    network: nn.Module, rows: NDArray[np.intp], loss_of: LossOf, how: Descent, say: Callable[[str], None]
) -> None:
    """Let a network learn from the examples of these numbers; the same ones in the same order each time."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.decay)
    rng = np.random.default_rng(0)
    mean = 0.0
    for step in range(how.steps):
        for group in optimiser.param_groups:
            group["lr"] = how.rate * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * step / how.steps))
        loss = loss_of(np.sort(rng.choice(rows, how.batch, replace=False)), rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        mean += 0.02 * (loss.item() - mean)
        if (step + 1) % how.tells_every == 0:
            say(f"step {step + 1}: off by {mean:.3f}")
    network.eval()
