"""Runs the probe network on one ONNX Runtime provider and prints what happened, as JSON.

A program of its own (`python -m mien.diagnostics.doctor.provider_probe NAME`): a broken driver may end the process.
"""

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import numpy as np

from mien_models.runtimes.ort.libraries import missing
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.plug_ins import plug_ins
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.system.crash.child import answer

NETWORK: Final = Path(__file__).parent / "probe.onnx"
"""Two small convolutions; `scripts/probe_network.py` makes it."""
_RUNS: Final = 15
_TOLERANCE: Final = 0.02
"""Of the largest value: TF32 and half floats stay below it, a wrong result does not."""


def probe(provider: str) -> dict[str, str | float]:
    """Run the network; {'ms': median} or {'error': one line}."""
    onnxruntime.set_default_logger_severity(4)
    options = cast("Any", onnxruntime.SessionOptions())  # a class of its C++ part, without annotations
    options.log_severity_level = 4
    if provider != "CPUExecutionProvider":
        # Without this, what the provider cannot do is done by the CPU and nobody is told.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    plugged = plug_ins()
    if provider in plugged:
        options.add_provider_for_devices(list(plugged[provider].devices), {})
    else:
        missing(provider)  # looks for NVIDIA's libraries where pip puts them, and loads them
    try:
        named = None if provider in plugged else [provider]
        session = onnxruntime.InferenceSession(str(NETWORK), options, providers=named)
    except Exception as error:  # noqa: BLE001 - whatever the provider raises is the finding
        return {"error": refusal_of(error)}
    granted = session.get_providers()[0]
    if granted != provider:
        return {"error": f"ONNX Runtime fell back to {granted} without an error"}
    shape = cast("list[int]", session.get_inputs()[0].shape)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    durations_ms: list[float] = []
    y = np.zeros(0, np.float32)
    for _ in range(_RUNS):
        started_ns = time.monotonic_ns()
        y = np.asarray(session.run(["y"], {"x": x})[0])
        durations_ms.append((time.monotonic_ns() - started_ns) / 1e6)
    if not _is_right(x, y):
        return {"error": "it runs, but its result is wrong"}
    return {"ms": round(median(durations_ms[_RUNS // 3 :]), 3)}


def _is_right(x: np.ndarray, y: np.ndarray) -> bool:
    """Compare with the same network on the CPU."""
    reference = onnxruntime.InferenceSession(str(NETWORK), providers=["CPUExecutionProvider"])
    expected = np.asarray(reference.run(["y"], {"x": x})[0])
    return y.shape == expected.shape and float(np.abs(y - expected).max()) <= _TOLERANCE * float(expected.max())


if __name__ == "__main__":
    sys.stdout.write(answer(lambda: probe(sys.argv[1]), fault="error", doing="The probe failed"))
