"""Which providers can start, which card wants which package, and what is said where a card stands idle."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from mien_models.runtimes.ort import libraries, plug_ins
from mien_models.runtimes.ort.available import Available, idle_card, look
from mien_models.runtimes.ort.card import GraphicsCard, read_card
from mien_models.runtimes.ort.packages import CUDA_LINE, RTX_CUDA_12_LINE, RTX_LINE, Package, package_for
from mien_models.runtimes.ort.plug_ins import PlugIn
from mien_models.runtimes.ort.providers import CPU_PROVIDER, PROVIDERS

CUDA, RTX, TENSORRT = PROVIDERS["cuda"], PROVIDERS["tensorrt-rtx"], PROVIDERS["tensorrt"]
LISTED = (TENSORRT, CUDA, CPU_PROVIDER)
RTX_3060 = GraphicsCard("NVIDIA GeForce RTX 3060", (8, 6), "580.159.04", 12288)
H100 = GraphicsCard("NVIDIA H100 80GB HBM3", (9, 0), "580.159.04", 81559)


def nothing_missing(provider: str) -> tuple[str, ...]:
    return ()


def no_libraries(provider: str) -> tuple[str, ...]:
    return () if provider == CPU_PROVIDER else ("libcublasLt.so.13", "libcublas.so.13", "libcudnn.so.9")


def no_tensorrt(provider: str) -> tuple[str, ...]:
    return ("libnvinfer.so.10", "libnvonnxparser.so.10") if provider == TENSORRT else ()


def test_what_is_listed_counts_only_when_its_libraries_are_there() -> None:
    assert look(LISTED, nothing_missing, {}).ready == LISTED
    found = look(LISTED, no_libraries, {})
    assert found.ready == (CPU_PROVIDER,)
    assert found.unready[CUDA].why == "libcublasLt.so.13, libcublas.so.13 and 1 more are missing"
    assert "uv pip install 'onnxruntime-gpu[cuda,cudnn]" in found.unready[CUDA].remedy


def test_tensorrt_that_nobody_installed_is_left_out_and_cuda_stays() -> None:
    found = look(LISTED, no_tensorrt, {})
    assert found.ready == (CUDA, CPU_PROVIDER)
    assert "tensorrt-cu13<11" in found.unready[TENSORRT].remedy


def test_a_plug_in_counts_when_it_has_a_device() -> None:
    assert look((CPU_PROVIDER,), nothing_missing, {RTX: PlugIn(("a device",))}).ready == (CPU_PROVIDER, RTX)
    found = look((CPU_PROVIDER,), nothing_missing, {RTX: PlugIn(fault="it does not take this card")})
    assert found.ready == (CPU_PROVIDER,)
    assert found.unready[RTX].sentence == "it does not take this card."


def test_a_missing_driver_is_what_is_said_first() -> None:
    found = look(LISTED, lambda _: (libraries.file_name("cuda"), "libcudnn.so.9"), {})
    assert "Install NVIDIA's driver" in found.unready[CUDA].remedy


def test_an_idle_card_is_said_in_one_plain_sentence() -> None:
    without = look(LISTED, no_libraries, {})
    assert (idle_card(without, RTX_3060) or "").startswith("CUDA is listed, but the processor computes: libcublasLt")
    assert (idle_card(without, None) or "").startswith("CUDA is listed, but the processor computes: ")
    background = Available((CPU_PROVIDER,))
    assert RTX_LINE in (idle_card(background, RTX_3060) or "")
    assert CUDA_LINE in (idle_card(background, H100) or "")
    assert idle_card(background, None) is None
    assert idle_card(look(LISTED, no_tensorrt, {}), RTX_3060) is None


@pytest.mark.parametrize(
    ("capability", "driver", "expected"),
    [
        ((8, 6), "580.65.06", RTX_LINE),
        ((8, 9), "591.10", RTX_LINE),
        ((12, 0), "580.88", RTX_LINE),
        ((8, 9), "550.54", RTX_CUDA_12_LINE),
        ((9, 0), "580.159.04", CUDA_LINE),
        ((8, 0), "580.65.06", CUDA_LINE),
        ((7, 5), "580.65.06", CUDA_LINE),
        ((7, 5), "550.54", "too old"),
        ((8, 9), "470.10", "too old"),
        ((6, 1), "580.65.06", "older than"),
    ],
)
def test_each_card_and_driver_has_its_package(capability: tuple[int, int], driver: str, expected: str) -> None:
    package = package_for(GraphicsCard("A card", capability, driver, 8192))
    assert expected in (package.line if isinstance(package, Package) else package)


@pytest.mark.parametrize("answer", ["", "No devices were found", "a, b, c", "a, 9, 1.2, 3"])
def test_what_is_no_card_is_not_taken_for_one(answer: str) -> None:
    assert read_card(answer) is None


def test_the_first_card_is_read() -> None:
    answer = "NVIDIA H100 80GB HBM3, 9.0, 580.159.04, 81559\nNVIDIA T4, 7.5, 580.159.04, 15360\n"
    assert read_card(answer) == H100
    assert H100.driver_major == 580


def test_libraries_are_found_where_pip_puts_them(tmp_path: Path) -> None:
    for folder in ("nvidia/cu13/lib", "nvidia/cudnn/lib", "tensorrt_libs", "numpy/lib"):
        (tmp_path / "packages" / folder).mkdir(parents=True)
    found = libraries.library_folders(["", str(tmp_path / "none"), str(tmp_path / "packages")])
    assert [path.relative_to(tmp_path / "packages").as_posix() for path in found] == [
        "nvidia/cu13/lib",
        "nvidia/cudnn/lib",
        "tensorrt_libs",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files on Linux")
def test_libraries_are_called_what_the_linker_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "cuda_major", lambda: 13)
    names = ("cuda", "cublasLt", "cufft", "cudnn", "curand", "nvinfer")
    assert [libraries.file_name(one) for one in names] == [
        "libcuda.so.1", "libcublasLt.so.13", "libcufft.so.12", "libcudnn.so.9", "libcurand.so.10", "libnvinfer.so.10",
    ]  # fmt: skip


NOT_OPENED = (
    "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /x/y.so with error: libcuda.so.1: cannot open "
    "shared object file: No such file or directory"
)


@pytest.mark.parametrize(
    ("said", "expected"), [(NOT_OPENED, "libcuda.so.1 is missing"), ("something else", "something else")]
)
def test_a_plug_in_that_does_not_load_says_which_library_is_missing(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    module: Any = types.ModuleType("onnxruntime_ep_nv_tensorrt_rtx")

    def refused() -> str:
        raise RuntimeError(said)

    module.get_ep_name, module.get_library_path = lambda: RTX, refused
    monkeypatch.setitem(sys.modules, module.__name__, module)
    plug_ins.plug_in.cache_clear()
    assert plug_ins.plug_in(RTX) == PlugIn(fault=expected)
    plug_ins.plug_in.cache_clear()


def test_a_card_that_the_plug_in_does_not_take_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("onnxruntime_ep_nv_tensorrt_rtx")
    module.get_ep_name, module.get_library_path = lambda: RTX, lambda: "a library"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("onnxruntime.register_execution_provider_library", lambda *_: None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(plug_ins, "card", lambda: H100)
    plug_ins.plug_in.cache_clear()
    assert "NVIDIA H100 80GB HBM3 has 9.0" in plug_ins.plug_in(RTX).fault
    plug_ins.plug_in.cache_clear()
