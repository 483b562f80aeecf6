"""Pack files into folders of limited size, in order; what does not fit is cut: `NAME.whl.000`, `NAME.whl.001` ...

`python scripts/gpu_check/pack.py FROM INTO --limit BYTES`; then the whole is read back and held against its SHA-256.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"
_LEAST: Final = 1_000_000
"""No part is smaller: the load before is then left a little emptier."""
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a file, or all of it."""

    source: Path
    number: int
    start: int
    size: int
    is_whole: bool

    @property
    def name(self) -> str:
        """What it is called in its load."""
        return self.source.name if self.is_whole else f"{self.source.name}.{self.number:03d}"


@dataclass(eq=False)
class Load:
    """A folder that is carried in one go."""

    limit: int
    pieces: list[Piece] = field(default_factory=list[Piece])

    @property
    def left(self) -> int:
        """How much still goes in."""
        return self.limit - sum(piece.size for piece in self.pieces)


def main(words: Sequence[str] | None = None) -> int:
    """Pack, and read back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--limit", type=int, default=55_000_000)
    wanted = parser.parse_args(words)
    files = sorted(wanted.source.rglob("*.whl"), key=lambda path: (path.parent.name, path.stat().st_size, path.name))
    loads = packed([(path, path.stat().st_size) for path in files], wanted.limit)
    sums = "".join(f"{_digest([path])}  {path.name}\n" for path in files)
    for number, load in enumerate(loads, 1):
        folder = wanted.into / f"load-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        for piece in load.pieces:
            (folder / piece.name).write_bytes(_cut(piece))
        (folder / SUMS).write_text(sums, "utf-8")
        print(f"{folder.name}: {(load.limit - load.left) / 1e6:.1f} MB: {', '.join(one.name for one in load.pieces)}")
    for path in files:
        parts = sorted(wanted.into.glob(f"load-*/{path.name}*"), key=lambda one: one.name)
        if _digest(parts) != _digest([path]):
            print(f"{path.name} does not come back whole out of its {len(parts)} parts")
            return 1
    print(f"{len(files)} wheels come back whole.")
    return 0


def packed(files: Sequence[tuple[Path, int]], limit: int) -> list[Load]:
    """Spread files over loads, in order."""
    loads = [Load(limit)]
    for path, size in files:
        start, number = 0, 0
        while start < size:
            left = loads[-1].left
            if loads[-1].pieces and left < min(_LEAST, size - start):
                loads.append(Load(limit))
                continue
            taken = min(left, size - start)
            loads[-1].pieces.append(Piece(path, number, start, taken, is_whole=taken == size))
            start, number = start + taken, number + 1
    return loads


def _cut(piece: Piece) -> bytes:
    with piece.source.open("rb") as file:
        file.seek(piece.start)
        return file.read(piece.size)


def _digest(parts: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for block in _blocks(parts):
        found.update(block)
    return found.hexdigest()


def _blocks(parts: Sequence[Path]) -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


if __name__ == "__main__":
    raise SystemExit(main())
