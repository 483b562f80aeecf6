"""The live program with one network, camera to sink: frames a second, their age, the stages, and the card."""

import hashlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from time import monotonic
from typing import Any, Final

from gpu_check.graphs import fill
from gpu_check.steps.telling import Told, told
from mien_models.architectures._registry import recognise
from mien_models.library.store import ModelLibrary
from mien_models.onnx_format.check import read_network_file
from mien_models.onnx_format.graph import read_graph
from mien_models.runtimes.ort.providers import PROVIDERS
from mien_models.specs.network import SwapSpec, UserManifest

_SAMPLE_MS: Final = 200
_CLOSING_S: Final = 6.0
"""The live program is given so long to end before the step is."""
_ENHANCER: Final = "restorer-512"


def main() -> None:
    """Run it as the order says."""
    ordered = told()
    order = ordered.order
    name, provider, size = str(order["network"]), str(order["provider"]), str(order["size"])
    swapper = _added(ordered, name)
    report = ordered.work / "report.json"
    report.unlink(missing_ok=True)
    words = ["run", "--camera", "synthetic", "--sink", "null", "--size", size, "--fps", str(order["fps"])]
    words += ["--swapper", swapper, "--provider", provider, "--report", str(report)]
    words += ["--boost", str(order["boost"])]
    if order["threads"]:
        words += ["--threads", str(order["threads"])]
    if order["enhance"]:
        words += ["--enhance", f"gfpgan:{_enhancer(ordered)}"]
    status, said, live_s, samples = _watched(words, float(order["live_s"]), float(order["seconds"]) - _CLOSING_S)
    what = {"network": name, "provider": provider, "size": size}
    what |= {key: order[key] for key in ("boost", "enhance", "threads")}
    if not report.is_file() or live_s <= 0:
        last = (said or ["it said nothing"])[-1]
        ordered.found(**what, fault=f"mien run swapped no frame and ended with status {status}: {last.strip()}")
        return
    ordered.found(**what, **_read(json.loads(report.read_text("utf-8")), swapper, order, said, live_s), gpu=samples)


def _watched(
    words: Sequence[str], live_s: float, longest_s: float
) -> tuple[int, list[str], float, Mapping[str, float]]:
    """Run the live program until it has swapped for so long; give status, words, how long, and the card's use."""
    # -P: nothing is imported from the folder that this happens to run in.
    command = [sys.executable, "-P", "-m", "mien", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        late = threading.Timer(longest_s, process.send_signal, (signal.SIGINT,))
        late.start()
        said: list[str] = []
        use, began_s, over = None, 0.0, None
        for line in process.stderr:
            said.append(line)
            if use is None and "LIVE: " in line:
                use, began_s = _Use(), monotonic()
                over = threading.Timer(live_s, process.send_signal, (signal.SIGINT,))
                over.start()
        status = process.wait()
        lasted_s = 0.0 if use is None else min(live_s, monotonic() - began_s)
        for timer in filter(None, (late, over)):
            timer.cancel()
    return status, said, lasted_s, {} if use is None else use.ended()


def _read(
    report: dict[str, Any], swapper: str, order: dict[str, Any], said: Sequence[str], live_s: float
) -> dict[str, Any]:
    """Take from a report what the table shows, and see whether the card did the work."""
    expected = PROVIDERS[str(order["provider"])]
    faults: list[str] = []
    if not report["frames_swapped"]:
        faults.append("no frame was swapped")
    ran_on = report["providers"].get(swapper, "nothing")
    if ran_on != expected:
        faults.append(f"the swapper ran on {ran_on}")
    if order["enhance"] and not any(f"Enhancer: gfpgan on {expected}" in line for line in said):
        faults.append("the enhancer did not run there")
    return {
        "fault": "; ".join(faults),
        "asked_fps": order["fps"],
        "swapped_per_s": round(report["frames_swapped"] / live_s, 1),
        "age_ms": report["age_ms"],
        "stages_ms": {name: one for name, one in report["stages"].items() if one["p50_ms"] is not None},
        "left_out": [one["part"] for one in report["load_shedding"] if one["change"] == "dropped"],
        "dropped_by": report["dropped_by"],
        "startup_s": report["startup_s"],
        "memory_mb": report["rss_mb"]["peak"],
    }


def _added(ordered: Told, network: str) -> str:
    """Put a network and the identity network that it needs into the folder of models; give its name there."""
    library = ModelLibrary(ordered.work / "mien" / "data" / "models")
    files = fill(network, ordered.work / "networks" / network)
    path = files.get("fused", files["mixed"])
    spec = _put(library, network, path)
    identity = spec.identity if isinstance(spec, SwapSpec) else None
    tiny = "-tiny" if network.endswith("-tiny") else ""
    for wanted, like in (
        (identity and identity.network, "arcface-r50"),
        (identity and identity.converter, "crossface-512"),
    ):
        if wanted and wanted not in library.names():
            _put(library, wanted, fill(like + tiny, ordered.work / "networks" / (like + tiny))["fp32"])
    return network


def _put(library: ModelLibrary, name: str, path: Path) -> Any:  # noqa: ANN401 - one of the specs
    content = read_network_file(path)
    found = recognise(read_graph(content, name), name)
    spec = next(iter(found.specs.values()))
    if name not in library.names():
        digest = hashlib.sha256(content).hexdigest()
        manifest = UserManifest(name, "net.onnx", digest, "drawn anew", replace(found.terms), spec)
        with library.new(manifest, {"net.onnx": content}):
            pass
    return spec


def _enhancer(ordered: Told) -> Path:
    return fill(_ENHANCER, ordered.work / "networks" / _ENHANCER)["mixed"]


class _Use:
    """How busy the card is while something runs."""

    def __init__(self) -> None:
        question = "--query-gpu=utilization.gpu,memory.used,clocks.sm"
        command = ["nvidia-smi", question, "--format=csv,noheader,nounits", f"-lms={_SAMPLE_MS}"]
        try:
            self._asking: subprocess.Popen[str] | None = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        except OSError:
            self._asking = None

    def ended(self) -> dict[str, float]:
        """Stop asking; give the mean over the second half, when everything ran, and the most memory."""
        if self._asking is None:
            return {}
        self._asking.terminate()
        answer, _ = self._asking.communicate()
        lines = [line.split(",") for line in answer.splitlines() if line.count(",") == 2]
        numbers = [[float(word) for word in words] for words in lines if all(_is_number(word) for word in words)]
        later = numbers[len(numbers) // 2 :]
        if not later:
            return {}
        return {
            "busy_percent": round(mean(one[0] for one in later), 1),
            "memory_mb": max(one[1] for one in numbers),
            "clock_mhz": round(mean(one[2] for one in later)),
        }


def _is_number(word: str) -> bool:
    return word.strip().replace(".", "", 1).isdigit()


if __name__ == "__main__":
    main()
