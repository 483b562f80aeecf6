"""Has an engine built in a process of its own, watches it, and writes beside it what it is of."""

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast

import onnx

from mien_export.engines.contracts import BUILDERS, EngineError, Order, Told
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.system.one_writer import only_writer
from mien_models.system.printable import json_text

LONGEST_S: Final = 1800.0
_LAST_LINES: Final = 5
_COPIED: Final = "mien."
"""Stamps of the ONNX file that begin so also belong to its engine."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What stands in the JSON beside an engine."""

    kind: str
    version: str
    """Of the builder; another one's engines are not loaded."""
    targets: tuple[str, ...]
    model: str
    model_sha256: str
    engine_sha256: str
    build_s: float
    stamps: dict[str, str]
    """Of the ONNX file: what the network is, its licence, its checkpoint."""


def build(kind: str, order: Order, told: Told, *, longest_s: float = LONGEST_S) -> Engine:
    """Build an engine, and `ENGINE.json` beside it; nothing is left under either name when it fails.

    Args:
        kind: a name of `BUILDERS`.
        order: what.
        told: told each phase.
        longest_s: after so long it is given up.

    Raises:
        EngineError: the builder is not installed, cannot build this, or took too long.
    """
    version = _checked(kind, order)
    stamps = _stamps(order.model)
    began_s = monotonic()
    with (
        only_writer(order.engine) as part,
        tempfile.TemporaryDirectory(prefix=".unfinished-", dir=order.engine.parent) as folder,
    ):
        unfinished = replace(order, engine=Path(folder) / order.engine.name)
        _run(kind, unfinished, told, longest_s)
        if not unfinished.engine.is_file() or not unfinished.engine.stat().st_size:
            raise EngineError(f"The builder {kind!r} ended well, but wrote no engine; build it with another --kind.")
        engine = Engine(
            kind,
            version,
            order.targets,
            order.model.name,
            sha256_of(order.model),
            sha256_of(unfinished.engine),
            round(monotonic() - began_s, 1),
            stamps,
        )
        sidecar = Path(folder) / "sidecar.json"
        sidecar.write_text(json_text(engine_data(engine)) + "\n", encoding="utf-8")
        # Else it may look like what a run left long ago.
        unfinished.engine.touch()
        unfinished.engine.replace(part)
        sidecar.replace(sidecar_of(order.engine))
    return engine


def sidecar_of(engine: Path) -> Path:
    """Give the place of what is written beside an engine."""
    return engine.with_name(f"{engine.name}.json")


def engine_data(engine: Engine) -> dict[str, Any]:
    """Give what is written beside an engine."""
    names = Engine.__dataclass_fields__
    return {"format": 1, **{name: getattr(engine, name) for name in names}}


def _checked(kind: str, order: Order) -> str:
    builder = BUILDERS.load(kind)
    unknown = [one for one in order.targets if one not in builder.targets]
    if unknown:
        choices = ", ".join(builder.targets) or "none: it builds for the card that is here"
        raise EngineError(f"--kind {kind} does not build for {unknown[0]!r}. Its targets: {choices}.")
    version = builder.version()
    if version is None:
        raise EngineError(f"--kind {kind} needs the package {builder.package!r}: uv pip install {builder.package}")
    return version


def _stamps(model: Path) -> dict[str, str]:
    try:
        found = onnx.load(str(model), load_external_data=False).metadata_props
    except Exception as error:  # of protobuf's own classes
        raise EngineError(f"{str(model)!r} should be an ONNX file, but: {refusal_of(error)}.") from error
    return {one.key: one.value for one in found if one.key.startswith(_COPIED)}


def _run(kind: str, order: Order, told: Told, longest_s: float) -> None:
    cache = None if order.timing_cache is None else str(order.timing_cache)
    given = {
        "kind": kind,
        "model": str(order.model),
        "engine": str(order.engine),
        "targets": order.targets,
        "largest_batch": order.largest_batch,
        "timing_cache": cache,
    }
    # -P: nothing is imported from the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "mien_export.engines.builder"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process,  # noqa: S603
    ):
        late = threading.Event()
        watch = threading.Timer(longest_s, _stopping(process, late))
        watch.start()
        try:
            fault = _followed(process, given, told)
        finally:
            watch.cancel()
            if process.poll() is None:
                process.kill()
        if late.is_set():
            raise EngineError(f"The engine was not built within {longest_s:.0f} s; give it longer with --minutes.")
        if fault is not None:
            raise EngineError(fault)
        if process.returncode:
            errors.seek(0)
            said = " / ".join(errors.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:])
            raise EngineError(f"The process that builds ended with status {process.returncode}. It said: {said}")


def _stopping(process: subprocess.Popen[bytes], late: threading.Event) -> Callable[[], None]:
    def stop() -> None:
        late.set()
        process.kill()

    return stop


def _followed(process: subprocess.Popen[bytes], given: dict[str, Any], told: Told) -> str | None:
    """Hand over the order and listen to the end; give what went wrong in the builder's words."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(json.dumps(given).encode() + b"\n")
    process.stdin.close()
    fault: str | None = None
    for line in process.stdout:
        answer = _answer(line)
        if "phase" in answer:
            told(answer["phase"])
        if "fault" in answer:
            fault = answer["fault"]
    process.wait()
    return fault


def _answer(line: bytes) -> dict[str, str]:
    """Read a line of the builder's; a library's own print is passed over."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, str]", found) if isinstance(found, dict) else {}


def sha256_of(path: Path) -> str:
    """Give a file's sha256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
