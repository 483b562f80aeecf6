"""Networks out of their graphs: the numbers are drawn anew, spread as those were that the graph was exported with."""

import json
import zipfile
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gpu_check.plan import GRAPHS

_ALIGNED: Final = 64


def fill(name: str, into: Path) -> dict[str, Path]:
    """Write a network's files, the numbers of each in a file beside it; what is there already stays.

    Args:
        name: one of `gpu_check.plan.graphs_there`.
        into: a folder for this network.

    Returns:
        The ONNX files by kind: 'fp32', 'mixed', and 'fused' where it was exported between bytes.
    """
    with zipfile.ZipFile(GRAPHS / f"{name}.zip") as archive:
        told = json.loads(archive.read("weights.json"))
        kinds = list(told["graphs"])
        done = into / "filled.txt"
        if not done.is_file():
            into.mkdir(parents=True, exist_ok=True)
            for kind in kinds:
                (into / f"{kind}.onnx").write_bytes(archive.read(f"{kind}.onnx"))
            _write_numbers(told, into)
            done.write_text("\n".join(kinds), "utf-8")
    return {kind: into / f"{kind}.onnx" for kind in kinds}


def _write_numbers(told: dict[str, Any], into: Path) -> None:
    """Draw each constant once and put it wherever a graph has it."""
    places: dict[int, list[tuple[str, str, int]]] = {}
    for kind, listed in told["graphs"].items():
        for number, kind_of_number, offset in listed:
            places.setdefault(number, []).append((kind, kind_of_number, offset))
    files = {kind: (into / f"{kind}.bin").open("wb") for kind in told["graphs"]}
    try:
        for number, wanted in sorted(places.items()):
            drawn = _drawn(told["spreads"][number], told["seed"], number)
            for kind, kind_of_number, offset in wanted:
                files[kind].seek(offset)
                content = drawn.astype(kind_of_number).tobytes()
                files[kind].write(content + bytes(-len(content) % _ALIGNED))
    finally:
        for file in files.values():
            file.close()


def _drawn(spread: dict[str, Any], seed: int, number: int) -> NDArray[np.float32]:
    """Draw as many numbers as the constant had, with its mean and deviation, and within its bounds."""
    random = np.random.default_rng((seed, number))
    numbers: NDArray[np.float32] = random.standard_normal(prod(spread["shape"]), np.float32)
    numbers *= np.float32(spread["deviation"])
    numbers += np.float32(spread["mean"])
    np.clip(numbers, np.float32(spread["low"]), np.float32(spread["high"]), out=numbers)
    return numbers
