"""What a file costs: time and memory of each in a process of its own, one after the other."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import numpy as np

from mien_export.runtime_input import runtime_input
from mien_models.errors import MienError
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.system.crash.child import answer
from mien_models.system.json_text import json_object

_TIME_S: Final = 600
_MB: Final = 1e6
_FAULT: Final = "fault"


class BenchError(MienError):
    """A file that does not run."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one file, with one picture at a time."""

    file: str
    file_mb: float
    load_s: float
    run_ms: float
    """Median."""
    peak_mb: float
    """Resident memory of the process at its highest, the interpreter's included."""
    export_s: float | None = None
    """How long its export took, as the proof beside it says."""
    export_mb: float | None = None
    """The memory that it took at most."""


def bench(path: Path, *, runs: int, threads: int) -> Cost:
    """Measure a file in a process of its own on the processor.

    Raises:
        BenchError: it does not run.
    """
    # -P: nothing is imported from the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "mien_export.benching", str(path), str(runs), str(threads)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=_TIME_S
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{path.name!r} was not measured within {_TIME_S} s; give fewer --runs.") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]
        raise BenchError(f"{path.name!r} should be an ONNX file that runs here, but: {refusal_of(Exception(said))}.")
    told = json_object(done.stdout.splitlines()[-1])
    if _FAULT in told:
        raise BenchError(str(told[_FAULT]))
    seconds, megabytes = _export(path)
    return replace(Cost(**told), export_s=seconds, export_mb=megabytes)


def _export(path: Path) -> tuple[float | None, float | None]:
    """Read seconds and megabytes of an export from the proof that it left beside its file."""
    try:
        told = json_object(path.with_name(f"{path.stem}.proof.json").read_text(encoding="utf-8"))
        return float(told["made"]["seconds"]), float(told["made"]["peak_mb"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


def table(costs: Sequence[Cost]) -> str:
    """Give a line for each file; ratios are to the first."""
    head = f"{'file':32} {'MB':>8} {'load s':>8} {'run ms':>9} {'ratio':>7} {'peak MB':>9}"
    lines = [f"{head} {'export s':>9} {'export MB':>10}"]
    for one in costs:
        ratio = one.run_ms / costs[0].run_ms
        ran = f"{one.file:32} {one.file_mb:8.1f} {one.load_s:8.2f} {one.run_ms:9.2f} {ratio:7.2f} {one.peak_mb:9.0f}"
        made = (
            "-" if one.export_s is None else f"{one.export_s:.0f}",
            "-" if not one.export_mb else f"{one.export_mb:.0f}",
        )
        lines.append(f"{ran} {made[0]:>9} {made[1]:>10}")
    return "\n".join(lines)


def measured(path: Path, runs: int, threads: int) -> Cost:
    """Measure a file in this process.

    Raises:
        BenchError: it does not run.
    """
    try:
        return _measured(path, runs, threads)
    except Exception as error:  # of ONNX Runtime's own classes
        raise BenchError(f"{path.name!r} should be an ONNX file that runs here, but: {refusal_of(error)}.") from error


def _measured(path: Path, runs: int, threads: int) -> Cost:
    import psutil

    from mien_models.runtimes.ort.library import onnxruntime

    library = cast("Any", onnxruntime)
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    began_s = time.perf_counter()
    session = library.InferenceSession(runtime_input(path), options, providers=["CPUExecutionProvider"])
    load_s = time.perf_counter() - began_s
    generator = np.random.default_rng(0)
    given = {one.name: _numbers(generator, one.shape, one.type) for one in session.get_inputs()}
    session.run(None, given)
    times_s: list[float] = []
    process, peak = psutil.Process(), 0
    for _ in range(runs):
        began_s = time.perf_counter()
        session.run(None, given)
        times_s.append(time.perf_counter() - began_s)
        peak = max(peak, process.memory_info().rss)
    return Cost(path.name, path.stat().st_size / _MB, load_s, median(times_s) * 1e3, max(peak, _highest()) / _MB)


def _numbers(generator: np.random.Generator, shape: Sequence[object], kind: str) -> np.ndarray[Any, Any]:
    """Make numbers 0..1 (0..255 for bytes) of an input's shape; a free axis is one long."""
    sides = [one if isinstance(one, int) else 1 for one in shape]
    if kind == "tensor(uint8)":
        return generator.integers(0, 256, sides, np.uint8)
    return generator.random(sides, np.float32).astype(np.float16 if kind == "tensor(float16)" else np.float32)


def peak_mb() -> float:
    """Give this process's highest resident memory; 0 where the system does not keep it."""
    return _highest() / _MB


def _highest() -> int:
    """Give the process's highest resident memory in bytes, where the system keeps it."""
    if sys.platform == "win32":
        return 0
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


if __name__ == "__main__":
    cost = answer(
        lambda: asdict(measured(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))),
        fault=_FAULT,
        doing="The measuring failed",
    )
    print(cost)  # noqa: T201
