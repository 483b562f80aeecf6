"""A network's way over a card's memory, with ordinary memory in the card's place."""

import ctypes
import gc
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.models.fake_card import FakeCard
from tests.onnx_networks import affine_network

from mien_models.runtimes import onnx as onnx_sessions
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.available import Available
from mien_models.runtimes.ort.cuda_driver import CudaDriver, CudaError, whole_pages
from mien_models.runtimes.ort.device_buffers import NO_GRAPH, DeviceBuffers
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.providers import CPU_PROVIDER, Run

SIDE = 16
PICTURE = np.linspace(0, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)
CUDA = Run("cuda", {"enable_cuda_graph": "1"})


def free_batch_network(path: Path) -> Path:
    """Write one of any batch that doubles pictures."""
    shape: list[str | int | None] = ["batch", 3, SIDE, SIDE]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def session_of(path: Path) -> Any:
    return cast("Any", onnxruntime).InferenceSession(str(path), providers=[CPU_PROVIDER])


def buffers_of(path: Path, card: FakeCard, *, graph: int = 0, knows_shape: bool = True) -> DeviceBuffers:
    outputs = {"y": np.zeros_like(PICTURE) if knows_shape else None}
    return DeviceBuffers(session_of(path), {"x": np.zeros_like(PICTURE)}, outputs, card, graph=graph, device="cpu")


@pytest.mark.parametrize("knows_shape", [True, False])
def test_what_is_computed_on_the_card_comes_back(tmp_path: Path, knows_shape: bool) -> None:
    card = FakeCard()
    buffers = buffers_of(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 1.0), card, knows_shape=knows_shape)
    for picture in (PICTURE, 3 - PICTURE, PICTURE.astype(np.float64)):
        np.testing.assert_allclose(buffers.run({"x": picture})["y"], 2 * picture + 1, rtol=1e-5)
    assert card.uploads == 3
    assert buffers.is_pinned
    assert len(card.locked) == len(card.there) == 1 + knows_shape


def test_every_run_goes_through_the_same_memory(tmp_path: Path) -> None:
    card = FakeCard()
    buffers = buffers_of(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 1.0), card)
    first = buffers.run({"x": PICTURE})["y"]
    places = set(card.there)
    assert buffers.run({"x": PICTURE + 1})["y"] is first
    assert set(card.there) == places


def test_where_pages_may_not_be_locked_it_works_without(tmp_path: Path) -> None:
    card = FakeCard(locks=False)
    buffers = buffers_of(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 1.0), card)
    np.testing.assert_allclose(buffers.run({"x": PICTURE})["y"], 2 * PICTURE + 1, rtol=1e-5)
    assert not buffers.is_pinned


def test_what_is_no_longer_used_is_given_back_and_its_last_answer_stays(tmp_path: Path) -> None:
    card = FakeCard()
    buffers = buffers_of(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 1.0), card)
    answer = buffers.run({"x": PICTURE})["y"]
    del buffers
    gc.collect()
    assert not card.there
    assert not card.locked
    np.testing.assert_allclose(answer, 2 * PICTURE + 1, rtol=1e-5)


class Listening:
    """A session that notes with which graph it is run."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.graphs: list[int] = []

    def io_binding(self) -> Any:
        return self._session.io_binding()

    def run_with_iobinding(self, binding: Any, options: Any) -> None:
        self.graphs.append(int(options.get_run_config_entry("gpu_graph_id")))
        self._session.run_with_iobinding(binding, options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.fixture
def on_fake_card(monkeypatch: pytest.MonkeyPatch) -> list[Listening]:
    """Let a session for CUDA run on the processor, over a fake card; gives the sessions that are made."""
    made: list[Listening] = []
    card = FakeCard()

    def opened(content: bytes, name: str, run: Run, options: Any, *, is_alone: bool) -> Any:
        session = cast("Any", onnxruntime).InferenceSession(content, options, providers=[CPU_PROVIDER])
        made.append(Listening(session))
        made[-1].get_providers = lambda: [run.provider, CPU_PROVIDER]  # type: ignore[attr-defined]
        return made[-1]

    monkeypatch.setattr(onnx_sessions, "_opened", opened)
    monkeypatch.setattr(onnx_sessions, "available", lambda: Available((CUDA.provider, CPU_PROVIDER)))
    monkeypatch.setattr(onnx_sessions, "cuda_driver", lambda: card)
    monkeypatch.setattr(onnx_sessions, "DeviceBuffers", partial(DeviceBuffers, device="cpu"))
    return made


def test_each_shape_has_a_graph_of_its_own(tmp_path: Path, on_fake_card: list[Listening]) -> None:
    session = OnnxSession(free_batch_network(tmp_path / "net.onnx").read_bytes(), "net", run=CUDA)
    four = np.concatenate([PICTURE, PICTURE + 1, PICTURE + 2, PICTURE + 3])
    for pictures in (PICTURE, four, PICTURE, four):
        np.testing.assert_allclose(session.run({"x": pictures})["y"], 2 * pictures, rtol=1e-6)
    first, second, *again = on_fake_card[0].graphs
    assert first >= 0
    assert second >= 0
    assert first != second
    assert again == [first, second]


def test_nothing_is_recorded_while_a_profile_is_written(tmp_path: Path, on_fake_card: list[Listening]) -> None:
    content = affine_network(tmp_path / "net.onnx", SIDE, 2.0, 1.0).read_bytes()
    session = OnnxSession(content, "net", run=CUDA, profile=tmp_path / "profile")
    session.run({"x": PICTURE})
    session.end_profile()
    session.run({"x": PICTURE})
    assert on_fake_card[0].graphs[0] == NO_GRAPH
    assert on_fake_card[0].graphs[1] >= 0


def test_a_free_batch_does_not_make_the_answers_shape_unknown(tmp_path: Path, on_fake_card: list[Listening]) -> None:
    session = OnnxSession(free_batch_network(tmp_path / "net.onnx").read_bytes(), "net", run=CUDA)
    first = session.run({"x": PICTURE})["y"]
    assert session.run({"x": PICTURE + 1})["y"] is first
    assert on_fake_card[0].graphs[0] >= 0


def test_four_pictures_of_one_identity_come_back_as_four(tmp_path: Path, on_fake_card: list[Listening]) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "who"], ["y"])],
        "net",
        [value("x", 1, ["batch", 3, SIDE, SIDE]), value("who", 1, ["batch", 3, 1, 1])],
        [value("y", 1, ["batch", 3, SIDE, SIDE])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = OnnxSession(model.SerializeToString(), "net", run=CUDA)
    four, who = np.concatenate([PICTURE, PICTURE + 1, PICTURE + 2, PICTURE + 3]), np.ones((1, 3, 1, 1), np.float32)
    np.testing.assert_allclose(session.run({"x": four, "who": who})["y"], four + 1, rtol=1e-6)


DRIVER = """
#include <stdlib.h>
#include <string.h>
static void *current; static int locked;
int cuInit(unsigned flags) { return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 7 + ordinal; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)(0x123456789abcul + device); return 0; }
int cuCtxSetCurrent(void *context) { current = context; return 0; }
static int lost(void) { return current == (void *)(0x123456789abcul + 7) ? 0 : 201; }
int cuMemAlloc_v2(unsigned long long *address, size_t size) {
    if (size > (1ul << 40)) return 2;
    *address = (unsigned long long)malloc(size); return lost(); }
int cuMemFree_v2(unsigned long long address) { free((void *)address); return lost(); }
int cuMemHostRegister_v2(void *address, size_t size, unsigned flags) {
    if ((size_t)address % 4096) return 1;
    locked++; return lost(); }
int cuMemHostUnregister(void *address) { return locked-- > 0 ? lost() : 713; }
int cuMemcpyHtoD_v2(unsigned long long to, void *from, size_t size) { memcpy((void *)to, from, size); return lost(); }
int cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) { memcpy(to, (void *)from, size); return lost(); }
int cuStreamSynchronize(void *stream) { return stream ? 400 : 0; }
"""
"""The driver's functions that are used, with its signatures, on ordinary memory."""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> CudaDriver:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler builds the stand-in for NVIDIA's driver")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(DRIVER)
    library = folder / "libcuda_stand_in.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "driver.c")], check=True)
    return CudaDriver(ctypes.CDLL(str(library)))


def test_the_driver_is_called_as_its_reference_says(driver: CudaDriver) -> None:
    here = whole_pages((3, 5), np.dtype(np.float32))
    assert driver.lock(here)
    here[:] = np.arange(15).reshape(3, 5)
    address = driver.allocate(here.nbytes)
    driver.upload(address, here)
    back = whole_pages((3, 5), np.dtype(np.float32))
    driver.download(back, address)
    np.testing.assert_array_equal(back, here)
    driver.free(address)
    driver.unlock(here.ctypes.data)


def test_a_refusal_of_the_driver_is_an_error_with_its_number(driver: CudaDriver) -> None:
    with pytest.raises(CudaError, match="cuMemAlloc_v2 with the error 2"):
        driver.allocate(1 << 50)
    with pytest.raises(CudaError, match="713"):
        driver.unlock(4096)
    assert not driver.lock(np.zeros(1001, np.uint8)[1:])


def test_arrays_that_are_to_be_locked_share_no_page() -> None:
    one, two = (whole_pages((1,), np.dtype(np.float32)) for _ in range(2))
    assert one.ctypes.data // 4096 != two.ctypes.data // 4096
    assert one.flags.writeable
