"""Engines: built by `mien-export`'s builder for TensorRT-RTX, run natively, and refused where the card is another one.

TensorRT-RTX 1.7 builds for Turing, A100, Ampere, Ada and Blackwell, and has no target for Hopper. There, that it says
so is what is checked.
"""

import importlib
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gpu_check.graphs import fill
from gpu_check.steps.asking import Question, ask, judge
from gpu_check.steps.network import times
from gpu_check.steps.telling import Told, told
from mien_export.engines.building import build
from mien_export.engines.contracts import BUILDERS, Order
from mien_models.errors import MienError
from mien_models.onnx_format.check import read_network_file
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.cuda_driver import CudaDriver, cuda_driver
from mien_models.runtimes.ort.providers import CPU_RUN

_FOREIGN: Final = ("sm120", "sm86")
"""For one of these the card is not: an engine for it has to be refused."""


def main() -> None:
    """Build and run an engine for the card, and one for another."""
    ordered = told()
    name, own = str(ordered.order["network"]), f"sm{str(ordered.order['capability']).replace('.', '')}"
    path = _whole(ordered, name)
    targets = BUILDERS.load("rtx").targets
    for target in (own, next(one for one in _FOREIGN if one != own)):
        what = {"network": name, "target": target, "is_own": target == own}
        if target not in targets:
            ordered.found(**what, refused=f"{target} is none of the targets of TensorRT-RTX: {', '.join(targets)}")
            continue
        try:
            ordered.found(**what, **_engine(ordered, path, target, is_own=target == own))
        except MienError as error:
            ordered.found(**what, fault=str(error))


def _engine(ordered: Told, path: Path, target: str, *, is_own: bool) -> dict[str, Any]:
    began_s = monotonic()
    engine = ordered.work / f"{path.stem}.{target}.engine"
    build("rtx", Order(path, engine, (target,), largest_batch=1), lambda _: None)
    built_s = round(monotonic() - began_s, 1)
    library: Any = importlib.import_module("tensorrt_rtx")
    loaded = library.Runtime(library.Logger(library.Logger.ERROR)).deserialize_cuda_engine(engine.read_bytes())
    if not is_own:
        fault = "" if loaded is None else "an engine for another card was loaded"
        return {"build_s": built_s, "fault": fault, "refused": "" if loaded is not None else "it was not loaded"}
    if loaded is None:
        return {"build_s": built_s, "fault": "the card's own engine was not loaded"}
    question = ask(path)
    reference = OnnxSession(question.content, path.stem, threads=int(ordered.order["threads"]), run=CPU_RUN)
    native = _Native(loaded, question)
    expected = {name: one.copy() for name, one in question.answers(reference.run(question.feeds)).items()}
    _, faults = judge(question, expected, question.answers(native.run()), is_half=True)
    return {
        "build_s": built_s,
        "first_run_s": round(native.first_run_s, 2),
        "fault": "; ".join(faults[:3]),
        "call_ms": times(native.run, int(ordered.order["calls"])),
    }


class _Native:
    """An engine with its memory on the card, run by TensorRT-RTX itself."""

    def __init__(self, engine: Any, question: Question) -> None:  # noqa: ANN401 - without annotations
        driver = cuda_driver()
        if driver is None:
            raise MienError("NVIDIA's driver does not answer; engines need it.")
        self._driver: CudaDriver = driver
        self._context = engine.create_execution_context()
        self._given = {name: np.ascontiguousarray(array) for name, array in question.feeds.items()}
        self._places: dict[str, int] = {}
        for name, array in self._given.items():
            self._context.set_input_shape(name, array.shape)
            self._place(name, array)
        outputs = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
        self._answers: dict[str, NDArray[Any]] = {}
        for name in (one for one in outputs if one not in self._given):
            is_bytes = "UINT8" in str(engine.get_tensor_dtype(name))
            kind = np.uint8 if is_bytes else np.float32
            self._answers[name] = np.zeros(tuple(self._context.get_tensor_shape(name)), kind)
            self._place(name, self._answers[name])
        began_s = monotonic()
        self.run()
        self.first_run_s = monotonic() - began_s
        """With what the library compiles for this card before."""

    def run(self) -> dict[str, NDArray[Any]]:
        """Copy there, run, copy back."""
        for name, array in self._given.items():
            self._driver.upload(self._places[name], array)
        if not self._context.execute_async_v3(0):
            raise MienError("TensorRT-RTX did not run its engine.")
        for name, array in self._answers.items():
            self._driver.download(array, self._places[name])
        return self._answers

    def _place(self, name: str, array: NDArray[Any]) -> None:
        self._places[name] = self._driver.allocate(array.nbytes)
        self._context.set_tensor_address(name, self._places[name])


def _whole(ordered: Told, name: str) -> Path:
    """Write the network as one file, which is what the builder reads."""
    source = fill(name, ordered.work / "networks" / name)["mixed"]
    path = ordered.work / f"{name}.onnx"
    path.write_bytes(read_network_file(source))
    return path


if __name__ == "__main__":
    main()
