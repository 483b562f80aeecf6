"""Pairs are made and written until somebody stops it; then the newest stay."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, time_ns
from typing import Final

import cv2
import numpy as np
from pairs import NAMES, Pair, PairMaker
from people import Person, people_of
from shards import PAIRS, shards, write_shard

from mien_models.errors import MienError

OF_A_PHOTO: Final = 6
"""So many pairs are made with one photo."""
STRANGERS: Final = 0.25
"""Files of strangers for each file of pairs."""


def make_pairs(media: Path, folder: Path, *, files: int, seed: int | None, say: Callable[[str], None]) -> int:
    """Make files of pairs; with `files` of them there, a new one replaces the oldest."""
    people = _people(media, folder, say)
    if not people:
        return 1
    rng = np.random.default_rng(time_ns() if seed is None else [seed, time_ns()])
    maker, began_s, made, owed = PairMaker(rng, people), monotonic(), 0, 0.0
    say(f"{len(people)} people")
    try:
        while True:
            owed += STRANGERS
            kind = "strangers" if owed >= 1 else "pairs"
            owed -= owed >= 1
            _write(maker, kind, folder, rng=rng, people=people, say=say)
            made += PAIRS
            say(f"{made} made, {made / (monotonic() - began_s):.2f} a second, {len(shards(folder, 'pairs'))} files")
            _drop_oldest(folder, files)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def look(media: Path, folder: Path, say: Callable[[str], None]) -> int:
    """Only find the landmarks of the people."""
    return 0 if _people(media, folder, say) else 1


def _people(media: Path, folder: Path, say: Callable[[str], None]) -> list[Person]:
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return people_of(media, folder / "landmarks.npz", say)
    except MienError as error:
        say(str(error))
        return []


def _write(
    maker: PairMaker,
    kind: str,
    folder: Path,
    *,
    rng: np.random.Generator,
    people: list[Person],
    say: Callable[[str], None],
) -> None:
    got: list[Pair] = []
    while len(got) < PAIRS:
        person = people[int(rng.integers(len(people)))]
        try:
            got += [maker.stranger_on(person)] if kind == "strangers" else maker.pairs_of(person, OF_A_PHOTO)
        except (MienError, cv2.error, ValueError, IndexError) as error:
            say(f"{person.path.name} left out: {error!r}"[:200])
    order = rng.permutation(len(got))[:PAIRS]
    write_shard(folder, f"{kind}-{time_ns():x}", [got[int(number)] for number in order], NAMES)


def _drop_oldest(folder: Path, files: int) -> None:
    for kind, most in (("pairs", files), ("strangers", max(1, int(files * STRANGERS)))):
        for path in shards(folder, kind)[:-most]:
            path.unlink()
