"""Patches at random: what a user could ask for, what nobody may, and both in one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GOOD: Final[Mapping[str, tuple[str, ...]]] = {
    "colour": ("none", "mkl", "reinhard_lab", "mean_std", "histogram"),
    "shape": ("0", "0.3", "0.8", "1"),
    "strength": ("0.5", "1", "1.5"),
    "boost": ("1", "2"),
    "detail": ("true", "false"),
    "masks": ("none", "history", "selfie", "history,selfie"),
    "edge.erode": ("0", "0.02", "0.05"),
    "edge.feather": ("0", "0.05", "0.1"),
    "label": ("on", "art"),
    "language": ("de", "en", "fr"),
    "content_gate": ("files", "always"),
    "assign": ("largest", "leftmost", "all"),
    "policy.lost": ("card", "freeze"),
    "policy.fault": ("card", "freeze"),
    "provider": ("auto", "cpu"),
    "enhance_strength": ("0.2", "0.8"),
    "face": ("first.png", "second.png"),
    "consent": ("public-domain", "synthetic"),
    "camera": ("synthetic", "clip.mkv"),
    "sinks": ("JUDGE", "JUDGE,null", "JUDGE,file:NUMBER.mp4", "JUDGE,images:NUMBER", "JUDGE,null,images:NUMBER"),
}
"""By setting; of these none shows the real face on purpose, as 'blur' and 'passthrough' do."""
BAD: Final = (
    ("collour", "mkl"),
    ("feathr", "0.1"),
    ("polcy.lost", "card"),
    ("colour", "pink"),
    ("colour", "[1, 2]"),
    ("shape", "7"),
    ("shape", "round"),
    ("strength", "-1"),
    ("boost", "1.5"),
    ("detail", "perhaps"),
    ("masks", "hat"),
    ("masks", "bisenet"),
    ("edge.feather", "nan"),
    ("label", "off"),
    ("language", "d"),
    ("content_gate", "sometimes"),
    ("assign", "everybody"),
    ("assign", "nobody.png=first.png"),
    ("policy.lost", "nothing"),
    ("provider", "abacus"),
    ("swapper", "mesch"),
    ("enhance", "gpen:/no/such.onnx"),
    ("face", "nobody.png"),
    ("face", "wall.png"),
    ("face", "notes.txt"),
    ("camera", "/no/such/film.mp4"),
    ("camera", "notes.mp4"),
    ("sinks", "nul"),
    ("sinks", "JUDGE,file:/no/such/folder/x.mp4"),
    ("size", "640x480"),
    ("fps", "30"),
    ("threads", "2"),
    ("report", "other.json"),
)


@dataclass(frozen=True, slots=True)
class Patch:
    """What `mien ctl set` is given."""

    words: tuple[str, ...]
    is_good: bool
    """Whether it has to be applied; else it has to be refused."""


class Patches:
    """Makes one patch after another; the same seed makes the same ones. Has state: the seed, and a number."""

    def __init__(self, seed: int, judge: Path) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._judge = judge
        self._number = 0

    def next(self) -> Patch:
        """Make a patch: six in ten are good, three bad, one both at once."""
        kind = self._random.random()
        words = [] if 0.6 <= kind < 0.9 else self._good(self._random.randint(1, 3))
        if any(word.startswith("face=") for word in words):
            words.append("consent=public-domain")  # consent was said of a face, and another one asks anew
        if kind >= 0.6:
            words.append(self._word(*self._random.choice(BAD)))
        by_name = {word.partition("=")[0]: word for word in words}  # what is bad comes last, and stays
        return Patch(tuple(self._random.sample(list(by_name.values()), len(by_name))), is_good=kind < 0.6)

    def every_good_one(self) -> tuple[Patch, ...]:
        """Make a patch of each good value, and as the last one that puts the first of each back in force."""
        single = [
            Patch((self._word(name, value), *(["consent=public-domain"] if name == "face" else [])), is_good=True)
            for name, values in GOOD.items()
            for value in values
        ]
        return (*single, self.first())

    def first(self) -> Patch:
        """Make the patch that sets everything as it was at the beginning."""
        return Patch(tuple(self._word(name, values[0]) for name, values in GOOD.items()), is_good=True)

    def _good(self, count: int) -> list[str]:
        return [self._word(name, self._random.choice(GOOD[name])) for name in self._random.sample(list(GOOD), count)]

    def _word(self, name: str, value: str) -> str:
        self._number += 1
        return f"{name}={value.replace('JUDGE', f'judge:{self._judge}').replace('NUMBER', f'out-{self._number}')}"
