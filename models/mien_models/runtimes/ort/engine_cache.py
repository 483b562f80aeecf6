"""Where built engines are kept: one folder for everything that an engine depends on."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from mien_models.runtimes.ort.card import card
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.providers import BUILDS, Run

_DONE: Final = "built.json"
_NO_CARD: Final = "no NVIDIA card"


@dataclass(frozen=True, slots=True)
class EngineKey:
    """What an engine was built for; with any of it changed it is another engine.

    ONNX Runtime looks at some of these itself, but not at all of them.
    """

    network_sha256: str
    provider: str
    precision: str
    """'half' where the provider computes in 16 bits, else 'as written'."""
    shapes: str
    runtime: str
    """ONNX Runtime's version."""
    card: str
    """Name, compute capability and driver of the card, as nvidia-smi says them."""


def engine_key(content_sha256: str, run: Run, shapes: str) -> EngineKey:
    """Say what an engine for a network would be built for here."""
    precision = "half" if run.is_half else "as written"
    version = str(cast("Any", onnxruntime).__version__)
    return EngineKey(content_sha256, run.provider, precision, shapes, version, _card())


def engine_folder(caches: Path, key: EngineKey) -> Path:
    """Name the folder of an engine; it may not exist."""
    text = json.dumps(dataclasses.asdict(key), sort_keys=True)
    return caches / hashlib.sha256(text.encode()).hexdigest()[:24]


def is_built(folder: Path) -> bool:
    """Say whether an engine was built there to its end."""
    return (folder / _DONE).is_file()


def mark_built(folder: Path, key: EngineKey) -> None:
    """Note that it was; what it was built for can be read there."""
    (folder / _DONE).write_text(json.dumps(dataclasses.asdict(key), indent=2) + "\n", "utf-8")


def cached(run: Run, folder: Path) -> Run:
    """Let a run keep its engine, timings and compiled kernels in a folder; options of ONNX Runtime 1.31."""
    path = str(folder)
    options = {
        "tensorrt": {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": path,
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": path,
        },
        "tensorrt-rtx": {"nv_runtime_cache_path": path},
        "coreml": {"ModelCacheDirectory": path},
        "openvino": {"cache_dir": path},
    }.get(run.name, {})
    return dataclasses.replace(run, options={**run.options, **options})


def must_be_built(run: Run, folder: Path) -> bool:
    """Say whether the first session on this run would take minutes."""
    return run.name in BUILDS and not is_built(folder)


def _card() -> str:
    """Say which card there is."""
    here = card()
    if here is None:
        return _NO_CARD
    return f"{here.name}, {'.'.join(map(str, here.capability))}, {here.driver}"
