"""The network that finds rims: trained in half an hour on a processor, tried on people it did not see."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from descent import Descent, descend
from numpy.typing import NDArray
from rims_examples import RimExamples, rim_examples
from tflite_graph import Place, TfliteGraph
from torch import Tensor, nn
from torch.nn import functional as f

from mien_models.networks.rims import CHANNELS, ROWS, SIDE_PX, band_numbers
from mien_models.types import as_u8

WIDE: Final = (12, 24, 32)
"""Channels at a half, a quarter and an eighth of the resolution."""
EACH: Final = 3
"""So many times everybody is shown with glasses."""
STEPS: Final = 1800
BATCH: Final = 8
RATE: Final = 4e-3
DECAY: Final = 0.01
FOLDED: Final = 2
FEWEST_TEXELS: Final = 30
"""Of a stranger's glasses that show less than this nothing is said."""


def learn_rims(media: Path, folder: Path, say: Callable[[str], None]) -> int:
    """Make examples, learn, say how well strangers' rims are found, and write rims.tflite."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    found = rim_examples(np.random.default_rng(1), media, folder / "landmarks.npz", EACH, say)
    network = trained(found, say)
    tell(network, found, say)
    (folder / "rims.tflite").write_bytes(tflite_of(network))
    return 0


class RimNet(nn.Module):
    """(n, 5, h, w) in, logits (n, 1, h, w) out."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDE
        self.begin = _conv(CHANNELS * FOLDED**2, a)
        self.fine = _conv(a, a)
        self.to_middle = nn.Conv2d(a * FOLDED**2, b, 1)
        self.middle = nn.ModuleList([_conv(b, b), _conv(b, b)])
        self.to_coarse = nn.Conv2d(b * FOLDED**2, c, 1)
        self.coarse = nn.ModuleList([_conv(c, c), _conv(c, c)])
        self.from_coarse = nn.Conv2d(c, b, 1)
        self.middle_again = _conv(b, b)
        self.from_middle = nn.Conv2d(b, a, 1)
        self.fine_again = _conv(a, a)
        self.out = _conv(a, FOLDED**2)

    def forward(self, x: Tensor) -> Tensor:
        """Find rims."""
        fine = f.relu(self.fine(f.relu(self.begin(_folded(x)))))
        middle = f.relu(self.to_middle(_folded(fine)))
        for conv in self.middle:
            middle = f.relu(conv(middle))
        coarse = f.relu(self.to_coarse(_folded(middle)))
        for conv in self.coarse:
            coarse = f.relu(conv(coarse))
        middle = f.relu(middle + _doubled(self.from_coarse(coarse)))
        middle = f.relu(self.middle_again(middle))
        fine = f.relu(fine + _doubled(self.from_middle(middle)))
        return f.pixel_shuffle(self.out(f.relu(self.fine_again(fine))), FOLDED)


def _conv(given: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(given, made, 3, padding=1)


def _folded(x: Tensor) -> Tensor:
    return f.pixel_unshuffle(x, FOLDED)


def _doubled(x: Tensor) -> Tensor:
    return f.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def trained(examples: RimExamples, say: Callable[[str], None], steps: int = STEPS) -> RimNet:
    """Learn from everybody who is not held back."""
    network = RimNet()
    rows = np.nonzero(~examples.held_back)[0]
    how = Descent(steps, BATCH, RATE, DECAY, tells_every=100)
    descend(network, rows, lambda batch, rng: _off(network, examples, batch, rng), how, say)
    return network


def _off(network: RimNet, examples: RimExamples, batch: NDArray[np.intp], rng: np.random.Generator) -> Tensor:
    """How far the network is off on some: each pixel by itself, and what is marked as a whole."""
    numbers = _numbers(examples.bands[batch], rng)
    wanted, seen = (
        torch.from_numpy(values[batch].astype(np.float32) / 255) for values in (examples.rims, examples.seen)
    )
    if rng.random() < 0.5:
        numbers, wanted, seen = numbers.flip(3), wanted.flip(2), seen.flip(2)
    logits = network(numbers)[:, 0]
    single = (f.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * seen).sum() / seen.sum()
    said = torch.sigmoid(logits) * seen
    both, either = ((a * seen).sum(dim=(1, 2)) for a in (said * wanted, said + wanted))
    return 4 * single + (1 - (2 * both + 20) / (either + 20)).mean()


def _numbers(bands: NDArray[np.uint8], rng: np.random.Generator | None = None) -> Tensor:
    """Turn (n, h, w, 3) to what the network is given, with more or less contrast where there is chance."""
    numbers = np.stack([band_numbers(as_u8(band)) for band in bands])
    if rng is not None:
        numbers[..., :3] *= rng.uniform(0.8, 1.2, (len(bands), 1, 1, 1)).astype(np.float32)
    return torch.from_numpy(numbers.transpose(0, 3, 1, 2).copy())


@torch.no_grad()
def tell(network: RimNet, examples: RimExamples, say: Callable[[str], None]) -> None:
    """Say how much of strangers' rims is found, and how much beside them."""
    rows = np.nonzero(examples.held_back)[0]
    said = np.concatenate([torch.sigmoid(network(_numbers(examples.bands[[row]])))[:, 0].numpy() for row in rows])
    rims, seen = examples.rims[rows], examples.seen[rows] > 200
    worn = ((rims > 200) & seen).sum(axis=(1, 2)) > FEWEST_TEXELS
    for least in (0.15, 0.25, 0.35, 0.5):
        found = [
            float((s[(r > 200) & v] > least).mean()) for s, r, v in zip(said[worn], rims[worn], seen[worn], strict=True)
        ]
        beside = [float((s[(r < 10) & v] > least).mean()) for s, r, v in zip(said, rims, seen, strict=True)]
        say(
            f"from {least}: {np.mean(found):.3f} of the rims, {np.percentile(found, 10):.3f} on a tenth of the faces, "
            f"{np.mean(beside):.4f} beside them"
        )


def tflite_of(network: RimNet) -> bytes:
    """Write it."""
    graph = TfliteGraph()

    def conv(x: Place, layer: nn.Module, *, relu: bool = True) -> Place:
        weight, bias = (values.detach().numpy() for values in (layer.weight, layer.bias))
        return graph.conv(x, weight, bias, relu=relu)

    def folded(x: Place, layer: nn.Conv2d) -> tuple[Place, nn.Conv2d]:
        return graph.folded(x, FOLDED), reordered(layer)

    x = graph.input("band", (1, ROWS, SIDE_PX, CHANNELS))
    fine = conv(conv(*folded(x, network.begin)), network.fine)
    middle = conv(*folded(fine, network.to_middle))
    for layer in network.middle:
        middle = conv(middle, layer)
    coarse = conv(*folded(middle, network.to_coarse))
    for layer in network.coarse:
        coarse = conv(coarse, layer)
    middle = graph.add(middle, graph.doubled(conv(coarse, network.from_coarse, relu=False)), relu=True)
    middle = conv(middle, network.middle_again)
    fine = graph.add(fine, graph.doubled(conv(middle, network.from_middle, relu=False)), relu=True)
    logits = graph.unfolded(conv(conv(fine, network.fine_again), network.out, relu=False), FOLDED)
    return graph.finished({"rims": graph.logistic(logits)}, "Mien's network that finds rims of glasses")


def reordered(layer: nn.Conv2d) -> nn.Conv2d:
    """Order a layer's inputs as tflite folds pixels: the channels of one pixel stay together, torch splits them."""
    weight = layer.weight.detach()
    block = FOLDED**2
    order = weight.reshape(weight.shape[0], -1, block, *weight.shape[2:]).transpose(1, 2).reshape(weight.shape)
    copy = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    copy.weight.data, copy.bias = order.contiguous(), layer.bias
    return copy
