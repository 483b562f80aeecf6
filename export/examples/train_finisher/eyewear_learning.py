"""The network that sees glasses: trained in minutes, tried on people it did not see, written as tflite."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from eyewear_examples import EyewearExamples, eyewear_examples
from numpy.typing import NDArray
from tflite_graph import TfliteGraph
from torch import Tensor, nn
from torch.nn import functional as f

HIDDEN: Final = 24
FOLDS: Final = 5
STEPS: Final = 500
BATCH: Final = 192
RATE: Final = 3e-3
DECAY: Final = 0.3
SMOOTH: Final = 0.015
"""Labels are this unsure."""
COUNTS: Final = (0.3, 2.5, 1.8)
"""How much drawn glasses, real glasses and bare faces count."""


def learn_eyewear(media: Path, folder: Path, say: Callable[[str], None]) -> int:
    """Make examples, say how well strangers are judged, and write eyewear.tflite, trained on everybody."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    found = eyewear_examples(np.random.default_rng(1), media, folder / "landmarks.npz", say)
    judged = np.zeros((len(found.worn), 2), np.float32)
    for fold in range(FOLDS):
        held_back = found.person % FOLDS == fold
        judged[held_back] = _judged(_trained(found.of(~held_back)), found.numbers[held_back])
        say(f"part {fold + 1} of {FOLDS} tried")
    _tell(found, judged, say)
    (folder / "eyewear.tflite").write_bytes(tflite_of(_trained(found)))
    return 0


class Words(nn.Module):
    """(n, 1232) in, logits (n, 2) out: glasses are worn, they hide the eyes."""

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.from_numpy(numbers.mean(axis=0)), requires_grad=False)
        self.spread = nn.Parameter(torch.from_numpy(numbers.std(axis=0) + 1e-3), requires_grad=False)
        self.first = nn.Linear(numbers.shape[1], HIDDEN)
        self.second = nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Judge."""
        x = f.dropout((x - self.mean) / self.spread, 0.15, self.training)
        return self.second(f.dropout(f.relu(self.first(x)), 0.3, self.training))


def _trained(examples: EyewearExamples) -> Words:
    both = examples.numbers.reshape(-1, examples.numbers.shape[2])
    words = Words(both)
    numbers = torch.from_numpy(both)
    labels = torch.from_numpy(np.repeat(np.stack([examples.worn, examples.dark], axis=1), 2, axis=0).astype(np.float32))
    counts = np.where(examples.drawn, COUNTS[0], np.where(examples.worn, COUNTS[1], COUNTS[2]))
    weights = torch.from_numpy(np.repeat(counts, 2).astype(np.float32))
    optimiser = torch.optim.AdamW([*words.first.parameters(), *words.second.parameters()], lr=RATE, weight_decay=DECAY)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / STEPS) + 2e-5
        rows = torch.randint(len(numbers), (BATCH,))
        wanted = labels[rows] * (1 - 2 * SMOOTH) + SMOOTH
        off = f.binary_cross_entropy_with_logits(words(numbers[rows]), wanted, reduction="none")
        worn = labels[rows, 0]
        loss = (off[:, 0] * weights[rows]).mean() + 0.5 * (off[:, 1] * weights[rows] * (0.3 + 0.7 * worn)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return words.eval()


@torch.no_grad()
def _judged(words: Words, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    logits = words(torch.from_numpy(numbers.reshape(-1, numbers.shape[2]))).reshape(-1, 2, 2).mean(1)
    return np.asarray(torch.sigmoid(logits).numpy(), np.float32)


def _tell(found: EyewearExamples, judged: NDArray[np.float32], say: Callable[[str], None]) -> None:
    real = ~found.drawn
    for least in (0.3, 0.5, 0.7):
        said = judged[:, 0] > least
        recall, precision = (said & real & found.worn).sum() / (real & found.worn).sum(), found.worn[real & said].mean()
        false = said[real & ~found.worn].mean()
        say(f"from {least}: recall {recall:.3f}, precision {precision:.3f}, false alarms {false:.3f}")
    dark = judged[:, 1] > 0.5
    recall, false = dark[real & found.dark].mean(), dark[real & found.worn & ~found.dark].mean()
    say(f"dark: recall {recall:.3f}, false alarms among glasses {false:.3f}")


def tflite_of(words: Words) -> bytes:
    """Write it; mean and spread become part of the first layer."""
    scale = 1 / words.spread.numpy()
    weight = words.first.weight.detach().numpy() * scale
    bias = words.first.bias.detach().numpy() - weight @ words.mean.numpy()
    graph = TfliteGraph()
    x = graph.input("numbers", (1, 1, 1, weight.shape[1]))
    hidden = graph.dense(x, weight, bias, relu=True)
    second = (words.second.weight.detach().numpy(), words.second.bias.detach().numpy())
    return graph.finished({"logits": graph.dense(hidden, *second)}, "Mien's network that sees glasses")
