"""Learning goes on until it is stopped; every few minutes it is saved, and tried on people who were held back."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final, Self

import cv2
import numpy as np
import torch
from examples_of import Examples, examples, varied
from objective import errors_by_place
from shards import Pool, held_back_of, shards
from teaching import Teaching, finished

SAVE_EVERY_S: Final = 180.0
RENEW_EVERY: Final = 40
"""Steps between which a file of pairs in memory gives way to another."""
HELD_BACK: Final = 20
TRIED_ON: Final = 240
SHOWN: Final = 24
ABREAST: Final = 3
"""The sheet shows so many people, so many side by side, each composed, finished and as it should be."""
STRANGERS_SHARE: Final = 0.5
FOLLOWED: Final = 0.99
"""Told losses are means that follow by this."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to learn."""

    device: str
    threads: int
    batch: int
    rate: float
    critic_from: int
    finish: int
    """Steps over which the rate falls to nothing; 0: it does not."""
    memory_files: int

    @classmethod
    def of(cls, wanted: Namespace) -> Self:
        """Read them from the command line."""
        return cls(
            wanted.device,
            wanted.threads,
            wanted.batch,
            wanted.rate,
            wanted.critic_from,
            wanted.finish,
            wanted.memory_files,
        )


def learn(folder: Path, run: Path, wishes: Wishes, say: Callable[[str], None]) -> int:
    """Learn from a folder of pairs; the run's folder gets finisher.pth, log.jsonl and sheet.png."""
    torch.set_num_threads(wishes.threads)
    cv2.setNumThreads(1)
    run.mkdir(parents=True, exist_ok=True)
    teaching = Teaching.resumed(run / "finisher.pth", rate=wishes.rate, device=wishes.device)
    torch.manual_seed(teaching.step)
    rng = np.random.default_rng([7, teaching.step])
    count = sum(parameter.numel() for parameter in teaching.network.parameters())
    say(f"{count} parameters, going on from step {teaching.step}")
    try:
        _learn(teaching, _Batches(rng, folder, wishes, say), run, wishes, say)
    except KeyboardInterrupt:
        say("stopped")
    teaching.save(run / "finisher.pth")
    return 0


class _Batches:
    """Pairs and strangers in memory, changed from time to time."""

    def __init__(self, rng: np.random.Generator, folder: Path, wishes: Wishes, say: Callable[[str], None]) -> None:
        few = max(1, wishes.memory_files // 4)
        self._pairs = Pool(rng, folder, "pairs", files=wishes.memory_files, held_back=HELD_BACK)
        self._strangers = Pool(rng, folder, "strangers", files=few, held_back=HELD_BACK)
        self.folder, self._wishes = folder, wishes
        while not shards(folder, "pairs"):
            say("waiting for pairs")
            sleep(60)
        self.renew(first=True)

    def renew(self, *, first: bool = False) -> None:
        """Change a file of each."""
        for pool in (self._pairs, self._strangers):
            pool.renew(self._wishes.memory_files if first else 1)

    @property
    def has_strangers(self) -> bool:
        """Whether there are any yet."""
        return self._strangers.count > 0

    def pairs(self, count: int) -> Examples:
        """Draw pairs."""
        return varied(examples(self._pairs.batch(count), self._wishes.device))

    def strangers(self, count: int) -> Examples:
        """Draw strangers."""
        return varied(examples(self._strangers.batch(count), self._wishes.device))


def _learn(teaching: Teaching, batches: _Batches, run: Path, wishes: Wishes, say: Callable[[str], None]) -> None:
    began, saved_s, first = teaching.step, monotonic(), teaching.seen
    told: dict[str, float] = {}
    began_s = saved_s
    for cooled in _cooling(wishes.finish):
        has_critic = teaching.step >= wishes.critic_from and batches.has_strangers
        if has_critic:
            few = max(2, round(wishes.batch * STRANGERS_SHARE))
            losses = teaching.learn_with_critic(batches.pairs(wishes.batch - few // 2), batches.strangers(few), cooled)
        else:
            losses = teaching.learn(batches.pairs(wishes.batch), cooled)
        for key, value in losses.items():
            told[key] = FOLLOWED * told.get(key, value) + (1 - FOLLOWED) * value
        if teaching.step % RENEW_EVERY == 0:
            batches.renew()
        if monotonic() - saved_s > SAVE_EVERY_S or teaching.step == began + 20:
            pace = (teaching.seen - first) / (monotonic() - began_s)
            _keep(teaching, batches.folder, run, {**told, "pictures a second": pace}, say)
            saved_s = monotonic()


def _cooling(steps: int) -> Iterator[float]:
    """Give the rate's share of each step: 1 for ever, or falling to nothing."""
    if not steps:
        while True:
            yield 1.0
    for step in range(steps):
        yield max(0.01, 1 - step / steps)


def _keep(teaching: Teaching, folder: Path, run: Path, told: dict[str, float], say: Callable[[str], None]) -> None:
    teaching.save(run / "finisher.pth")
    tried = _tried(teaching, folder, run / "sheet.png")
    row = {
        "step": teaching.step,
        "seen": teaching.seen,
        **{key: round(value, 5) for key, value in told.items()},
        **tried,
    }
    with (run / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    say(", ".join(f"{key} {value}" for key, value in row.items()))


@torch.no_grad()
def _tried(teaching: Teaching, folder: Path, sheet: Path) -> dict[str, str]:
    """Finish pairs of people who were held back; say for each kind of place how far off they were before and after."""
    sums: dict[str, list[tuple[float, float]]] = {}
    rows: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    # Always the first files, so that lines can be compared with each other.
    for columns in held_back_of(shards(folder, "pairs")[:20], HELD_BACK, TRIED_ON):
        batch = examples(columns, teaching.device)
        out = finished(teaching.smooth, batch).clamp(0, 1)
        for key, value in errors_by_place(out, batch).items():
            sums.setdefault(key, []).append(value)
        pictures = (batch.composed, out, batch.wanted)
        rows += [np.hstack([_picture(x[one]) for x in pictures]) for one in range(min(2, len(batch.kind)))]
    if rows:
        while len(rows) % ABREAST:
            rows.append(np.zeros_like(rows[0]))
        rows = rows[:SHOWN]
        cv2.imwrite(str(sheet), np.hstack([np.vstack(rows[start::ABREAST]) for start in range(ABREAST)]))
    means = {key: np.mean(values, axis=0) for key, values in sums.items()}
    return {key: f"{before:.1f}>{after:.1f}" for key, (before, after) in means.items()}


def _picture(tensor: torch.Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return (tensor.permute(1, 2, 0).cpu().numpy() * 255 + 0.5).astype(np.uint8)
