"""One network on one provider: where its nodes ran, whether its answer is the processor's, and what a call costs.

Every variant is written down as soon as it is measured. Nothing may fall to the processor: ONNX Runtime is told to
refuse instead, and the profile of the first run is read as well.
"""

import gc
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gpu_check.graphs import fill
from gpu_check.steps.asking import Question, ask, judge
from gpu_check.steps.telling import Told, told
from mien_models.errors import MienError, ModelError
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.device_buffers import DeviceBuffers
from mien_models.runtimes.ort.providers import CPU_RUN, Run

_WARM_UP: Final = 5


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a network."""

    name: str
    kind: str
    """Which of its files."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    pictures: int = 1
    is_half: bool = True
    """By which gates it is judged: what computes in TF32 rounds as half precision does."""


_GRAPH: Final = {"enable_cuda_graph": "1"}
_FULL: Final = Variant("fp32, without TF32", "fp32", {**_GRAPH, "use_tf32": "0"}, is_half=False)
VARIANTS: Final[Mapping[str, tuple[Variant, ...]]] = {
    "cuda": (
        Variant("fused mixed", "fused", _GRAPH),
        Variant("mixed", "mixed", _GRAPH),
        _FULL,
        Variant("fp32", "fp32", _GRAPH),
        Variant("mixed, no CUDA graph", "mixed"),
        Variant("mixed, channels last", "mixed", {**_GRAPH, "prefer_nhwc": "1"}),
        Variant("fused mixed, 4 pictures", "fused", _GRAPH, pictures=4),
        Variant("fused mixed, 16 pictures", "fused", _GRAPH, pictures=16),
    ),
    "tensorrt-rtx": (
        Variant("fused mixed", "fused", _GRAPH),
        Variant("mixed", "mixed", _GRAPH),
        Variant("fp32", "fp32", _GRAPH),
        Variant("mixed, no CUDA graph", "mixed"),
    ),
    "cpu": (
        Variant("fused mixed", "fused"),
        Variant("mixed", "mixed"),
        Variant("fp32", "fp32", is_half=False),
    ),
}


def main() -> None:
    """Measure the variants that the order names, or all."""
    ordered = told()
    name, provider = str(ordered.order["network"]), str(ordered.order["provider"])
    wanted = ordered.order.get("variants")
    files = fill(name, ordered.work / "networks" / name)
    expected = _Expected(files["fp32"], int(ordered.order["threads"]))
    for variant in VARIANTS[provider]:
        if variant.kind not in files or (wanted is not None and variant.name not in wanted):
            continue
        fault = ""
        try:
            measured = _measured(ordered, files[variant.kind], provider, variant, expected)
        except MienError as error:
            measured, fault = {}, str(error)
        ordered.found(**{"network": name, "provider": provider, "variant": variant.name, "fault": fault, **measured})
        gc.collect()


class _Expected:
    """What the file in full precision answers on the processor, by how many pictures it is asked at once."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._kept: dict[int, dict[str, NDArray[np.float32]]] = {}

    def answers(self, pictures: int) -> dict[str, NDArray[np.float32]]:
        if pictures not in self._kept:
            question = ask(self._path, pictures)
            session = OnnxSession(question.content, self._path.stem, threads=self._threads, run=CPU_RUN)
            answers = question.answers(session.run(question.feeds))
            self._kept[pictures] = {name: one.copy() for name, one in answers.items()}
        return self._kept[pictures]


def _measured(ordered: Told, path: Path, provider: str, variant: Variant, expected: _Expected) -> dict[str, Any]:
    question = ask(path, variant.pictures)
    before_mb = _used_mb()
    began_ns = monotonic_ns()
    run = Run(provider, variant.options)
    with tempfile.TemporaryDirectory() as folder:
        session, refusal = _opened(question, path.stem, run, Path(folder), int(ordered.order["threads"]))
        session.run(question.feeds)
        first_answer_ms = (monotonic_ns() - began_ns) / 1e6
        nodes = _nodes(session.end_profile())
    answers = question.answers(session.run(question.feeds))
    recorded_ms = (monotonic_ns() - began_ns) / 1e6 - first_answer_ms
    found, faults = judge(question, expected.answers(variant.pictures), answers, is_half=variant.is_half)
    if refusal:
        faults.insert(0, refusal)
    if provider != "cpu" and (run.provider not in nodes or len(nodes) > 1):
        faults.insert(0, f"nodes ran on {', '.join(nodes) or 'nothing'}, not on {run.provider} alone")
    return {
        "nodes": nodes,
        "fault": "; ".join(faults[:3]),
        "largest": max(one.max_error for one in found),
        "mean": max(one.mean_error for one in found),
        "build_ms": round(first_answer_ms, 1),
        "record_ms": round(recorded_ms, 1),
        "call_ms": times(lambda: session.run(question.feeds), int(ordered.order["calls"])),
        "parts_ms": _parts(session, question, int(ordered.order["calls"])),
        "memory_mb": None if before_mb is None else (_used_mb() or before_mb) - before_mb,
    }


def _opened(question: Question, name: str, run: Run, folder: Path, threads: int) -> tuple[OnnxSession, str]:
    """Open a session that leaves nothing to the processor; where that is refused, one that may, and the refusal."""
    lengths = {len(array) for array in question.feeds.values()}
    # One identity for four pictures: the side that both call 'batch' stays free.
    sizes = {"batch": lengths.pop()} if len(lengths) == 1 else {}

    def session(*, is_alone: bool) -> OnnxSession:
        profile = folder / f"profile-{is_alone}"
        return OnnxSession(
            question.content, name, threads=threads, run=run, profile=profile, is_alone=is_alone, sizes=sizes
        )

    if run.name == "cpu":
        return session(is_alone=False), ""
    try:
        return session(is_alone=True), ""
    except ModelError as error:
        return session(is_alone=False), str(error)


def _parts(session: OnnxSession, question: Question, calls: int) -> dict[str, Any]:
    """Time the way there, the run and the way back, where there is a card to go to."""
    buffers = session.buffers_for(question.feeds)
    if not isinstance(buffers, DeviceBuffers):
        return {}
    calls = max(10, calls // 4)
    return {
        "upload": times(lambda: buffers.upload(question.feeds), calls),
        "compute": times(buffers.compute, calls),
        "download": times(buffers.download, calls),
        "is_pinned": buffers.is_pinned,
    }


def times(call: Callable[[], object], calls: int) -> dict[str, float]:
    """Time a call so many times, after some that warm up: percentiles in milliseconds."""
    for _ in range(_WARM_UP):
        call()
    spent: list[float] = []
    for _ in range(calls):
        began_ns = monotonic_ns()
        call()
        spent.append((monotonic_ns() - began_ns) / 1e6)
    p50, p95, p99 = np.percentile(spent, (50, 95, 99)).tolist()
    return {"p50": round(p50, 3), "p95": round(p95, 3), "p99": round(p99, 3), "calls": calls}


def _nodes(profile: Path) -> dict[str, int]:
    """Count the nodes that each provider ran, by ONNX Runtime's own profile."""
    counted: Counter[str] = Counter()
    for event in json.loads(profile.read_text("utf-8")):
        provider = event.get("args", {}).get("provider", "")
        if event.get("cat") == "Node" and provider and str(event["name"]).endswith("_kernel_time"):
            counted[provider] += 1
    return dict(counted)


def _used_mb() -> int | None:
    """Ask how much of the card's memory is taken, by everybody."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return int(done.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


if __name__ == "__main__":
    main()
