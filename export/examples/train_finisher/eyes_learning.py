"""The network that sees eyes: trained in minutes on a processor, tried on people it did not see."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from descent import Descent, descend
from eyes_examples import EyeExamples, eye_examples
from numpy.typing import NDArray
from rims_learning import reordered
from tflite_graph import Place, TfliteGraph
from torch import Tensor, nn
from torch.nn import functional as f

from mien_models.networks.eyes import SIZE, eye_numbers
from mien_models.types import as_u8

WIDE: Final = (16, 24)
"""Channels at a half and a quarter of the resolution."""
EACH: Final = 4
"""So many times everybody is shown."""
STEPS: Final = 8000
BATCH: Final = 48
RATE: Final = 4e-3
DECAY: Final = 0.01
FOLDED: Final = 2


def learn_eyes(media: Path, folder: Path, say: Callable[[str], None]) -> int:
    """Make examples, learn, say how well strangers' eyes are seen, and write eyes.tflite."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    found = eye_examples(np.random.default_rng(1), media, folder / "landmarks.npz", EACH, say)
    network = trained(found, say)
    tell(network, found, say)
    (folder / "eyes.tflite").write_bytes(tflite_of(network))
    return 0


class EyeNet(nn.Module):
    """(n, 3, h, w) in, logits (n, 2, h, w) out."""

    def __init__(self) -> None:
        super().__init__()
        a, b = WIDE
        self.begin = _conv(3 * FOLDED**2, a)
        self.to_coarse = nn.Conv2d(a * FOLDED**2, b, 1)
        self.coarse = nn.ModuleList([_conv(b, b), _conv(b, b), _conv(b, b)])
        self.from_coarse = nn.Conv2d(b, a, 1)
        self.fine = _conv(a, a)
        self.out = _conv(a, 2 * FOLDED**2)

    def forward(self, x: Tensor) -> Tensor:
        """Say where eyeball and iris are."""
        fine = f.relu(self.begin(f.pixel_unshuffle(x, FOLDED)))
        coarse = f.relu(self.to_coarse(f.pixel_unshuffle(fine, FOLDED)))
        for conv in self.coarse:
            coarse = f.relu(conv(coarse))
        doubled = f.interpolate(self.from_coarse(coarse), scale_factor=2, mode="bilinear", align_corners=False)
        fine = f.relu(self.fine(f.relu(fine + doubled)))
        return f.pixel_shuffle(self.out(fine), FOLDED)


def _conv(given: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(given, made, 3, padding=1)


def trained(examples: EyeExamples, say: Callable[[str], None], steps: int = STEPS) -> EyeNet:
    """Learn from everybody who is not held back."""
    network = EyeNet()
    rows = np.nonzero(~examples.held_back)[0]
    how = Descent(steps, BATCH, RATE, DECAY, tells_every=200)
    descend(network, rows, lambda batch, _: _off(network, examples, batch), how, say)
    return network


def _off(network: EyeNet, examples: EyeExamples, batch: NDArray[np.intp]) -> Tensor:
    """How far the network is off on some: each pixel by itself, and what is marked as a whole."""
    wanted = torch.from_numpy(examples.truth[batch].astype(np.float32) / 255).permute(0, 3, 1, 2)
    logits = network(_numbers(examples.eyes[batch]))
    single = f.binary_cross_entropy_with_logits(logits, wanted)
    said = torch.sigmoid(logits)
    both, either = (a.sum(dim=(2, 3)) for a in (said * wanted, said + wanted))
    return 6 * single + (1 - (2 * both + 10) / (either + 10)).mean()


def _numbers(eyes: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.stack([eye_numbers(as_u8(eye)) for eye in eyes]).transpose(0, 3, 1, 2).copy())


@torch.no_grad()
def tell(network: EyeNet, examples: EyeExamples, say: Callable[[str], None]) -> None:
    """Say how well strangers' eyes are seen."""
    rows = np.nonzero(examples.held_back)[0]
    said = np.concatenate([torch.sigmoid(network(_numbers(examples.eyes[[row]]))).numpy() for row in rows])
    truth = examples.truth[rows].transpose(0, 3, 1, 2).astype(np.float32) / 255
    for number, name in enumerate(("eyeball", "iris")):
        a, b = said[:, number], truth[:, number]
        is_seen = b.sum(axis=(1, 2)) > (40 if name == "iris" else 20)
        common = (np.minimum(a, b).sum(axis=(1, 2)) / np.maximum(a, b).sum(axis=(1, 2)))[is_seen]
        marked = a[b.sum(axis=(1, 2)) < 4].sum(axis=(1, 2)).mean()
        say(
            f"{name}: {common.mean():.3f} in common, {np.percentile(common, 10):.3f} on a tenth; "
            f"on closed eyes {marked:.1f} pixels"
        )
    seen = truth[:, 1].sum(axis=(1, 2)) > 40
    off = np.linalg.norm(_middles(said[seen, 1]) - _middles(truth[seen, 1]), axis=1)
    say(f"the iris' middle is off by {np.median(off):.2f} pixels, by {np.percentile(off, 95):.2f} on a twentieth")
    heights = [planes[:, 0].sum(axis=1).max(axis=1) for planes in (said, truth)]
    say(
        f"how far eyes are open is off by {np.abs(heights[0] - heights[1]).mean():.2f} pixels of {heights[1].max():.0f}"
    )


def _middles(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    total = planes.sum(axis=(1, 2)) + 1e-6
    return np.stack([(planes * x).sum(axis=(1, 2)) / total, (planes * y).sum(axis=(1, 2)) / total], axis=1)


def tflite_of(network: EyeNet) -> bytes:
    """Write it."""
    graph = TfliteGraph()

    def conv(x: Place, layer: nn.Module, *, relu: bool = True) -> Place:
        weight, bias = (values.detach().numpy() for values in (layer.weight, layer.bias))
        return graph.conv(x, weight, bias, relu=relu)

    x = graph.input("eye", (1, *SIZE, 3))
    fine = conv(graph.folded(x, FOLDED), reordered(network.begin))
    coarse = conv(graph.folded(fine, FOLDED), reordered(network.to_coarse))
    for layer in network.coarse:
        coarse = conv(coarse, layer)
    fine = graph.add(fine, graph.doubled(conv(coarse, network.from_coarse, relu=False)), relu=True)
    logits = conv(conv(fine, network.fine), _interleaved(network.out), relu=False)
    return graph.finished({"seen": graph.logistic(graph.unfolded(logits, FOLDED))}, "Mien's network that sees eyes")


def _interleaved(layer: nn.Conv2d) -> nn.Conv2d:
    """Order a layer's outputs as tflite unfolds them: the channels of one pixel stay together, torch splits them."""
    block = FOLDED**2
    copy = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size[0])
    weight, bias = layer.weight.detach(), layer.bias.detach()
    order = torch.arange(layer.out_channels).reshape(-1, block).T.reshape(-1)
    copy.weight.data, copy.bias.data = weight[order].contiguous(), bias[order].contiguous()
    return copy
