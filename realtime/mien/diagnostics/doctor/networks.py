"""Whether networks really run here, and how fast."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, cast

import numpy as np

from mien.diagnostics.doctor.checks import Check, Verdict
from mien_models.errors import ModelError
from mien_models.runtimes.ort.available import Available, Unready, idle_card, look
from mien_models.runtimes.ort.card import GraphicsCard
from mien_models.runtimes.ort.libraries import missing
from mien_models.runtimes.ort.plug_ins import plug_ins

_LOG = logging.getLogger(__name__)
_RUNS: Final = 20
_PROBE_SECONDS: Final = 180
"""TensorRT builds an engine first."""
_REMOTE: Final = frozenset({"AzureExecutionProvider"})
"""Sends pictures to a server; Mien never uses it."""
_CPU: Final = "CPUExecutionProvider"
_OTHERWISE: Final = "Its driver may be too old, or the card is none that it takes; networks run on another provider."


def check_card(here: GraphicsCard | None, found: Available) -> Check:
    """Say which NVIDIA card is there, and in one sentence when it stands idle.

    Args:
        here: the card.
        found: which providers of ONNX Runtime can start.
    """
    idle = idle_card(found, here)
    told = "no NVIDIA card" if here is None else _told(here)
    if idle is None:
        return Check("graphics card", Verdict.OK, told)
    return Check("graphics card", Verdict.ADVICE, told, idle)


def _told(here: GraphicsCard) -> str:
    capability = ".".join(map(str, here.capability))
    return f"{here.name}, {here.memory_mb} MB, compute capability {capability}, driver {here.driver}"


def check_face_networks() -> Check:
    """Run the detector and the landmark network, and time them."""
    from mien.tracking.landmark_fit import default_networks
    from mien_models.geometry.crop import Region

    grey = np.full((256, 256, 3), 128, np.uint8)
    region = Region(centre_xy=(128.0, 128.0), side_px=256.0, roll_rad=0.0)
    try:
        networks = default_networks()
        detector_ms = _median_ms(lambda: networks.detector.detect(grey))
        landmarks_ms = _median_ms(lambda: networks.landmarker.landmarks(grey, region))
    except ModelError as error:
        return Check("face networks", Verdict.BROKEN, str(error), "Install Mien again: uv sync --reinstall")
    found = f"LiteRT: detector {detector_ms:.1f} ms, landmarks {landmarks_ms:.1f} ms on one thread"
    if detector_ms + landmarks_ms > 20:
        return Check("face networks", Verdict.ADVICE, found, "Slow: close what keeps the processor busy.")
    return Check("face networks", Verdict.OK, found)


def check_providers(
    probe: Callable[[str], dict[str, object]] | None = None, lacks: Callable[[str], Sequence[str]] = missing
) -> tuple[Check, ...]:
    """Run a small network on every provider that ONNX Runtime lists, and on those that are packages of their own.

    Args:
        probe: runs one; by default in a process of its own.
        lacks: names the files that a provider misses; one that misses any is not run.
    """
    from mien_models.runtimes.ort.library import onnxruntime

    plugged = plug_ins()
    listed = (*cast("Sequence[str]", onnxruntime.get_available_providers()), *plugged)
    unready = look(listed, lacks, plugged).unready
    run = probe or _probe_in_its_own_process
    results = {name: run(name) for name in dict.fromkeys(listed) if name not in _REMOTE and name not in unready}
    lacking = tuple(_lacking(name, why) for name, why in unready.items())
    return *(_judged(name, result, results.get(_CPU, {})) for name, result in results.items()), *lacking


def _lacking(provider: str, why: Unready) -> Check:
    return Check(_row(provider), Verdict.ADVICE, f"listed, but DOES NOT RUN: {why.why}", why.remedy)


def _judged(provider: str, result: dict[str, object], on_cpu: dict[str, object]) -> Check:
    if "error" in result:
        is_needed = provider == _CPU
        return Check(
            _row(provider),
            Verdict.BROKEN if is_needed else Verdict.ADVICE,
            f"listed, but DOES NOT RUN: {result['error']}",
            "Install onnxruntime again: uv sync --reinstall-package onnxruntime" if is_needed else _OTHERWISE,
        )
    duration_ms = float(str(result["ms"]))
    found = f"runs: {duration_ms:.2f} ms for two convolutions"
    cpu_ms = on_cpu.get("ms")
    if provider != _CPU and cpu_ms is not None:
        found += f", {float(str(cpu_ms)) / duration_ms:.1f} times as fast as the CPU"
    return Check(_row(provider), Verdict.OK, found)


def _row(provider: str) -> str:
    return f"provider {provider.removesuffix('ExecutionProvider')}"


def _probe_in_its_own_process(provider: str) -> dict[str, object]:
    """Survive a driver that ends the process or hangs."""
    # -P: nothing is imported from the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "mien.diagnostics.doctor.provider_probe", provider]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {_PROBE_SECONDS} s"}
    _LOG.debug("%s said: %s", provider, done.stderr.strip())
    if done.returncode != 0:
        return {"error": f"it ended the process with status {done.returncode}"}
    return cast("dict[str, object]", json.loads(done.stdout))


def _median_ms(run: Callable[[], object]) -> float:
    durations_ns: list[int] = []
    for _ in range(_RUNS):
        started_ns = time.monotonic_ns()
        run()
        durations_ns.append(time.monotonic_ns() - started_ns)
    return median(durations_ns[_RUNS // 4 :]) / 1e6
