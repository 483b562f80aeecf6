"""Pairs on disk, a few hundred to a file, and a part of them in memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

PAIRS: Final = 120
"""In one file; some 8 MB."""
Columns = dict[str, NDArray[Any]]
"""Pairs side by side: for each name an array whose first axis counts them."""


def write_shard(folder: Path, name: str, pairs: Sequence[object], names: Sequence[str]) -> None:
    """Write pairs; the file is whole once it has its name."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.part.npz"
    columns: Columns = {key: np.stack([getattr(pair, key) for pair in pairs]) for key in names}
    np.savez_compressed(unfinished, allow_pickle=False, **columns)
    unfinished.replace(folder / f"{name}.npz")


def shards(folder: Path, kind: str) -> list[Path]:
    """List the files of a kind, oldest first."""
    return sorted(folder.glob(f"{kind}-*.npz"), key=lambda path: path.stat().st_mtime_ns)


def read_shard(path: Path) -> Columns:
    """Read one file."""
    with np.load(path) as stored:
        return {key: stored[key] for key in stored.files}


class Pool:
    """Some files' pairs, of which single ones are taken by chance; the files change in the course of time."""

    def __init__(self, rng: Generator, folder: Path, kind: str, *, files: int, held_back: int) -> None:
        self._rng, self._folder, self._kind, self._files, self._held_back = rng, folder, kind, files, held_back
        self._loaded: dict[Path, Columns] = {}
        self._used: set[Path] = set()

    @property
    def count(self) -> int:
        """How many pairs are in memory."""
        return sum(len(columns["kind"]) for columns in self._loaded.values())

    def renew(self, files: int = 1) -> None:
        """Read some more files, those that were not used yet first, and let the same number go."""
        there = shards(self._folder, self._kind)
        fresh = [path for path in there if path not in self._used and path not in self._loaded]
        if not fresh:
            self._used.clear()
            fresh = [path for path in there if path not in self._loaded]
        fresh = [fresh[int(place)] for place in self._rng.permutation(len(fresh))]
        wanted = max(files, self._files - len(self._loaded))
        for path in fresh[:wanted]:
            while len(self._loaded) >= self._files:
                del self._loaded[next(iter(self._loaded))]
            self._used.add(path)
            columns = read_shard(path)
            kept = columns["person"] % self._held_back != 0
            self._loaded[path] = {key: column[kept] for key, column in columns.items()}

    def batch(self, count: int) -> Columns:
        """Take so many by chance, from a few files."""
        paths = list(self._loaded)
        taken = [self._loaded[paths[int(number)]] for number in self._rng.integers(len(paths), size=count)]
        rows = [int(self._rng.integers(len(columns["kind"]))) for columns in taken]
        return {
            key: np.stack([columns[key][row] for columns, row in zip(taken, rows, strict=True)]) for key in taken[0]
        }


def held_back_of(paths: Sequence[Path], held_back: int, limit: int) -> Iterator[Columns]:
    """Give the pairs of people who are not trained on, file by file."""
    given = 0
    for path in paths:
        columns = read_shard(path)
        kept = np.flatnonzero(columns["person"] % held_back == 0)[: limit - given]
        given += len(kept)
        if len(kept):
            yield {key: column[kept] for key, column in columns.items()}
        if given >= limit:
            return
