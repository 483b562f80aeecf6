"""Learning goes on until it is stopped; every few minutes it is saved, and tried on people who were held back."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, Self

import cv2
import numpy as np
import torch
from examples_of import Examples, examples, varied
from shards import PAIRS, Reader, shards
from stock import Stock
from teaching import Teaching
from torch import Tensor
from trying import Trial

SAVE_EVERY_S: Final = 180.0
SAVES: Final = 10
"""A run of limited time is saved so often."""
RENEW_EVERY: Final = 40
"""Steps between which pairs in memory give way to others."""
HELD_BACK: Final = 20
STRANGERS_SHARE: Final = 0.5
FOLLOWED: Final = 0.99
"""Told losses are means that follow by this."""
WARM: Final = 0.3
"""The part of a run of limited time after which the rate begins to fall."""
BEFORE_CRITIC: Final = 0.45
"""The part of it after which a critic sees strangers."""


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
    ends_s: float | None
    """When to have ended, on the monotonic clock; the rate falls to nothing by then."""
    least_pairs: int
    memory_files: int

    @classmethod
    def of(cls, wanted: Namespace, began_s: float) -> Self:
        """Read them from the command line; `began_s` is when the program was started."""
        return cls(
            wanted.device, wanted.threads, wanted.batch, wanted.rate, wanted.critic_from, wanted.finish,
            began_s + wanted.seconds if wanted.seconds else None, wanted.least_pairs, wanted.memory_files,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Moment:
    """What holds at a step."""

    cooled: float
    """The rate's share."""
    has_critic: bool


def learn(folder: Path, run: Path, wishes: Wishes, say: Callable[[str], None]) -> int:
    """Learn from a folder of pairs; the run's folder gets finisher.pth, log.jsonl and sheets of pictures."""
    torch.set_num_threads(wishes.threads)
    torch.backends.cudnn.benchmark = True
    cv2.setNumThreads(1)
    run.mkdir(parents=True, exist_ok=True)
    teaching = Teaching.resumed(run / "finisher.pth", rate=wishes.rate, device=wishes.device)
    torch.manual_seed(teaching.step)
    rng = np.random.default_rng([7, teaching.step])
    count = sum(parameter.numel() for parameter in teaching.network.parameters())
    say(f"{count} parameters, going on from step {teaching.step}")
    keeping = _Keeping(teaching, folder, run, say)
    try:
        batches = _Batches(rng, folder, wishes)
        batches.wait(wishes, say)
        _learn(teaching, batches, wishes, keeping)
    except KeyboardInterrupt:
        say("stopped")
    if wishes.ends_s is None:
        teaching.save(run / "finisher.pth")
    else:
        keeping.keep()
    return 0


class _Batches:
    """Pairs and strangers in memory, changed from time to time."""

    def __init__(self, rng: np.random.Generator, folder: Path, wishes: Wishes) -> None:
        self._folder = folder
        self._fit = {"pairs": wishes.memory_files, "strangers": max(1, wishes.memory_files // 4)}
        self._kinds = [
            (Reader(rng.spawn(1)[0], folder, kind, fit=files, held_back=HELD_BACK), Stock(wishes.device, files * PAIRS))
            for kind, files in self._fit.items()
        ]

    def wait(self, wishes: Wishes, say: Callable[[str], None]) -> None:
        """Wait until there are enough, and take in what was there already."""
        there = [min(fit, len(shards(self._folder, kind))) for kind, fit in self._fit.items()]
        if not there[0]:
            say("waiting for pairs")
        stock, ends_s, taken = self._kinds[0][1], wishes.ends_s or float("inf"), [0, 0]
        while monotonic() < ends_s and (
            stock.count < wishes.least_pairs or any(have < wanted for have, wanted in zip(taken, there, strict=True))
        ):
            taken = [have + more for have, more in zip(taken, self.renew(wait_s=0.2), strict=True)]
        say(f"{stock.count} pairs to begin with")

    def renew(self, wait_s: float = 0.0) -> tuple[bool, ...]:
        """Take in a file of each kind, where one was read; say of which."""
        return tuple(_taken_in(reader, stock, wait_s) for reader, stock in self._kinds)

    @property
    def counts(self) -> tuple[int, int]:
        """How many pairs and strangers there are."""
        return self._kinds[0][1].count, self._kinds[1][1].count

    def pairs(self, count: int) -> Examples:
        """Draw pairs."""
        return varied(examples(self._kinds[0][1].batch(count)))

    def strangers(self, count: int) -> Examples:
        """Draw strangers."""
        return varied(examples(self._kinds[1][1].batch(count)))


def _taken_in(reader: Reader, stock: Stock, wait_s: float) -> bool:
    columns = reader.take(wait_s)
    if columns is not None:
        stock.take_in(columns)
    return columns is not None


class _Keeping:
    """Saves, tries and tells."""

    def __init__(self, teaching: Teaching, folder: Path, run: Path, say: Callable[[str], None]) -> None:
        self._teaching, self._run, self._say = teaching, run, say
        self._trial = Trial(folder, teaching.device, HELD_BACK)
        self._followed: dict[str, Tensor] = {}
        self._counts = (0, 0)
        self._began_s = self.kept_s = monotonic()
        self._first = teaching.seen

    def follow(self, losses: dict[str, Tensor], counts: tuple[int, int]) -> None:
        """Take a step's losses into their means."""
        self._counts = counts
        for key, value in losses.items():
            self._followed[key] = FOLLOWED * self._followed.get(key, value) + (1 - FOLLOWED) * value

    def keep(self) -> None:
        """Save, try on people held back, and tell."""
        teaching = self._teaching
        teaching.save(self._run / "finisher.pth")
        pace = (teaching.seen - self._first) / (monotonic() - self._began_s)
        pairs, strangers = self._counts
        row = {
            "step": teaching.step, "seen": teaching.seen, "pairs": pairs, "strangers": strangers,
            **{key: round(float(value), 5) for key, value in self._followed.items()},
            "pictures a second": round(pace, 1), **self._trial.of(teaching.smooth, self._run),
        }  # fmt: skip
        with (self._run / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        self._say(", ".join(f"{key} {value}" for key, value in row.items()))
        self.kept_s = monotonic()


def _learn(teaching: Teaching, batches: _Batches, wishes: Wishes, keeping: _Keeping) -> None:
    began, limited = teaching.step, wishes.ends_s is not None
    every_s = (wishes.ends_s - monotonic()) / SAVES if wishes.ends_s is not None else SAVE_EVERY_S
    for moment in _moments(teaching, wishes):
        if moment.has_critic and batches.counts[1]:
            few = max(2, round(wishes.batch * STRANGERS_SHARE))
            losses = teaching.learn_with_critic(
                batches.pairs(wishes.batch - few // 2), batches.strangers(few), moment.cooled
            )
        else:
            losses = teaching.learn(batches.pairs(wishes.batch), moment.cooled)
        keeping.follow(losses, batches.counts)
        if limited or teaching.step % RENEW_EVERY == 0:
            batches.renew()
        if monotonic() - keeping.kept_s > every_s or (not limited and teaching.step == began + 20):
            keeping.keep()


def _moments(teaching: Teaching, wishes: Wishes) -> Iterator[_Moment]:
    """Go on for ever, for so many steps, or until the time is over."""
    if wishes.ends_s is not None:
        began_s = monotonic()
        while (passed := (monotonic() - began_s) / (wishes.ends_s - began_s)) < 1:
            yield _Moment(min(1.0, (1 - passed) / (1 - WARM)), passed >= BEFORE_CRITIC)
        return
    done = 0
    while not wishes.finish or done < wishes.finish:
        cooled = max(0.01, 1 - done / wishes.finish) if wishes.finish else 1.0
        yield _Moment(cooled, teaching.step >= wishes.critic_from)
        done += 1
