"""Write the graphs that the check runs, without their weights: one small archive a network, into `graphs/`.

`uv run scripts/with_torch.py python scripts/gpu_check/export_graphs.py [NAME...]`

A graph keeps its constants in a file beside it, as ONNX allows, and that file is not written: `weights.json` says of
each constant how its numbers are spread, from which `gpu_check.graphs` draws others. So the check needs no torch, and a
network of half a gigabyte travels in some kilobytes.
"""

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_check.plan import EVERY
from gpu_check.restorer import SIDE_PX, Restorer
from mien_export.contracts import ARCHITECTURES, Network
from mien_export.fused import Fused
from mien_export.graph import GraphOptions, write_onnx
from mien_export.precision.lowering import lower
from mien_export.proof.cases import looked_into, make_cases
from mien_export.proof.pixels import fed
from mien_export.seeded import seeded_checkpoint
from mien_models.specs.network import SwapSpec

FOLDER: Final = Path(__file__).parent / "graphs"
SEED: Final = 7
RESTORER: Final = "restorer-512"
TINY: Final = ("reswapper-128", "arcface-r50")
"""Also written with a sixteenth of the channels, for the run without a card that the tests make."""
FUSED: Final = ("reswapper-128", "hyperswap-256", "simswap-512-unofficial", "ghost-2-block")
"""Those of the live loop are also written between bytes."""
_KEPT: Final = 64
"""Constants of up to so many numbers stay in the graph: shapes, epsilons, means."""
_FLOATS: Final = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16}
_ALIGNED: Final = 64
_ROUNDED: Final = 2e-5
"""Of a deviation: more than rounding moves it, less than chance does in the largest constant, of 34 million numbers."""
_HALF: Final = 2.0**-11
"""What rounding to half precision moves a number by, as a part of it."""
_ROUNDED_ONE: Final = 2e-3
"""As much for a single number; what rounding does to a few dozen does not cancel out as it does in many."""


@dataclass(eq=False)
class Weights:
    """Every large constant of a network once, whatever graphs it stands in."""

    spreads: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    graphs: dict[str, list[tuple[int, str, int]]] = field(default_factory=dict[str, list[tuple[int, str, int]]])
    """By graph: which constant, of which type, where in the file of weights."""

    def place(self, numbers: NDArray[Any]) -> int:
        """Give a constant's number; the same one in half precision has the same."""
        wide = numbers.astype(np.float64)
        told = {"mean": wide.mean(), "deviation": wide.std(), "low": wide.min(), "high": wide.max()}
        spread = {"shape": list(numbers.shape), **{key: float(one) for key, one in told.items()}}
        for number, one in enumerate(self.spreads):
            if is_same(one, spread):
                return number
        self.spreads.append(spread)
        return len(self.spreads) - 1


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two spreads are of one constant, the second perhaps rounded to half precision.

    Rounding moves mean and deviation by far less than another draw of as many numbers does.
    """
    rounded = max(_ROUNDED, _ROUNDED_ONE / prod(one["shape"]) ** 0.5)
    scale = rounded * max(abs(one["mean"]), one["deviation"], 1e-12)
    ends = 2 * _HALF * max(abs(one["low"]), abs(one["high"]))
    return (
        one["shape"] == other["shape"]
        and all(abs(one[key] - other[key]) <= scale for key in ("mean", "deviation"))
        and all(abs(one[key] - other[key]) <= ends for key in ("low", "high"))
    )


def main(wanted: Sequence[str]) -> int:
    """Write those that are not there yet, or those that are named."""
    FOLDER.mkdir(exist_ok=True)
    names = [*EVERY, *(f"{name}-tiny" for name in TINY)]
    for name in wanted or [one for one in names if not (FOLDER / f"{one}.zip").exists()]:
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            weights = Weights()
            files = dict(_graphs(name, Path(folder)))
            stripped = {kind: _stripped(onnx.load(str(path)), kind, weights) for kind, path in files.items()}
            _pack(FOLDER / f"{name}.zip", stripped, weights)
    return 0


def _graphs(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Export a network in full and in mixed precision, and between bytes where the live loop takes it."""
    if name == RESTORER:
        yield from _restorer(folder)
        return
    plain = name.removesuffix("-tiny")
    architecture, _, variant = plain.partition("-")
    plugin = ARCHITECTURES.load(architecture)
    network, state = seeded_checkpoint(plugin, variant, SEED, "tiny" if plain != name else "full")
    options = GraphOptions(needs_no_map=True)
    path = write_onnx(network, state, folder / "fp32.onnx", options)
    yield "fp32", path
    yield "mixed", _mixed(network, path, folder / "mixed.onnx", is_fused=False)
    if plain in FUSED and isinstance(network.spec(has_map=True), SwapSpec):
        fused = write_onnx(Fused(network), state, folder / "fused32.onnx", options)
        yield "fused", _mixed(network, fused, folder / "fused.onnx", is_fused=True)


def _mixed(network: Network, full: Path, path: Path, *, is_fused: bool) -> Path:
    path.write_bytes(full.read_bytes())
    runs = looked_into(make_cases(network))
    lower(path, "mixed", [fed(one, network, is_fused=is_fused, batch=None) for one in runs])
    return path


def _restorer(folder: Path) -> Iterator[tuple[str, Path]]:
    torch.manual_seed(SEED)
    module, picture = Restorer().eval(), torch.rand(1, 3, SIDE_PX, SIDE_PX) * 2 - 1
    program = torch.onnx.export(
        module, (picture,), input_names=["input"], output_names=["output"], opset_version=20, dynamo=True,
        external_data=False, verbose=False,
    )  # fmt: skip
    path = folder / "fp32.onnx"
    onnx.save(program.model_proto, str(path))
    yield "fp32", path
    half = folder / "mixed.onnx"
    half.write_bytes(path.read_bytes())
    lower(half, "mixed", [{"input": picture.numpy()}])
    yield "mixed", half


def _stripped(model: ModelProto, kind: str, weights: Weights) -> bytes:
    """Take the large constants out of a graph, which then says where in a file they would be."""
    listed: list[tuple[int, str, int]] = []
    offset = 0
    for one in model.graph.initializer:
        if one.data_type not in _FLOATS or int(np.prod(one.dims)) <= _KEPT:
            continue
        numbers = numpy_helper.to_array(one)
        listed.append((weights.place(numbers), numbers.dtype.name, offset))
        for name in ("raw_data", "float_data", "int32_data"):
            one.ClearField(name)
        one.data_location = TensorProto.EXTERNAL
        for key, value in (("location", f"{kind}.bin"), ("offset", str(offset)), ("length", str(numbers.nbytes))):
            one.external_data.add(key=key, value=value)
        offset += -(-numbers.nbytes // _ALIGNED) * _ALIGNED
    weights.graphs[kind] = listed
    return bytes(model.SerializeToString(deterministic=True))


def _pack(path: Path, graphs: dict[str, bytes], weights: Weights) -> None:
    told = {"seed": SEED, "spreads": weights.spreads, "graphs": weights.graphs}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as opened:
        for name, content in (*((f"{kind}.onnx", one) for kind, one in graphs.items()),):
            opened.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_LZMA)
        opened.writestr(zipfile.ZipInfo("weights.json"), json.dumps(told), zipfile.ZIP_LZMA)
    path.write_bytes(archive.getvalue())
    print(f"  {', '.join(graphs)}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
