"""Pairs on disk, a few hundred to a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import sleep
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

PAIRS: Final = 120
"""In one file; some 8 MB."""
READ_AHEAD: Final = 2
LOOKS_EVERY_S: Final = 0.5
"""How often it is looked whether there is a new file."""
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


class Reader:
    """Reads files of pairs in the background, those that were not read yet first, without the people held back.

    Once every file was read it waits for new ones; only where more files are there than fit into the learner's memory
    are they read again, by chance.
    """

    def __init__(self, rng: Generator, folder: Path, kind: str, *, fit: int, held_back: int) -> None:
        self._rng, self._folder, self._kind, self._fit, self._held_back = rng, folder, kind, fit, held_back
        self._read: Queue[Columns] = Queue(READ_AHEAD)
        self._used: set[Path] = set()
        Thread(target=self._go_on, daemon=True, name=f"reads-{kind}").start()

    def take(self, wait_s: float = 0.0) -> Columns | None:
        """Give the next file's pairs, or None where there are none after that time."""
        try:
            return self._read.get(timeout=wait_s) if wait_s else self._read.get_nowait()
        except Empty:
            return None

    def _go_on(self) -> None:
        while True:
            path = self._next()
            if path is None:
                sleep(LOOKS_EVERY_S)
                continue
            self._used.add(path)
            try:
                columns = read_shard(path)
            except FileNotFoundError:  # the oldest gave way to a new one
                continue
            kept = columns["person"] % self._held_back != 0
            self._read.put({key: column[kept] for key, column in columns.items()})

    def _next(self) -> Path | None:
        there = shards(self._folder, self._kind)
        fresh = [path for path in there if path not in self._used]
        if not fresh and len(there) > self._fit:
            self._used.clear()
            fresh = there
        return fresh[int(self._rng.integers(len(fresh)))] if fresh else None


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
