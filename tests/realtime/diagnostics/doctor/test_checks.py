"""The doctor finds what is broken and says what to do."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

import probe_network
from mien.diagnostics.doctor import devices, machine, networks, run
from mien.diagnostics.doctor.checks import Check, Verdict
from mien.diagnostics.doctor.networks import check_card
from mien.diagnostics.doctor.provider_probe import NETWORK, probe
from mien.media.devices import v4l2
from mien.media.devices.cameras import Camera, VirtualCamera
from mien_models.runtimes.ort.available import Available
from mien_models.runtimes.ort.card import GraphicsCard


def _camera(**changes: Any) -> Camera:
    values: dict[str, Any] = {
        "name": "Laptop",
        "number": 0,
        "address": "a",
        "path": "/dev/video0",
        "usb_id": None,
        "index": 0,
        "backend": 200,
    }
    return Camera(**(values | changes))


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["onnxruntime"], Verdict.OK),
        (["onnxruntime-gpu"], Verdict.OK),
        (["onnxruntime", "onnxruntime-ep-openvino", "onnxruntime-extensions"], Verdict.OK),
        (["onnxruntime", "onnxruntime-gpu"], Verdict.BROKEN),
        (["onnxruntime-directml", "onnxruntime-gpu"], Verdict.BROKEN),
        ([], Verdict.BROKEN),
    ],
)
def test_exactly_one_onnxruntime_is_healthy(names: list[str], verdict: Verdict) -> None:
    check = machine.check_onnxruntime(dict.fromkeys(names, "1.0"))
    assert check.verdict is verdict
    assert bool(check.advice) == (verdict is not Verdict.OK)


def test_two_opencvs_are_named_with_the_command_that_removes_them() -> None:
    check = machine.check_opencv({"opencv-python": "4.1", "opencv-python-headless": "5.0", "numpy": "2"})
    assert check.verdict is Verdict.BROKEN
    assert "uv pip uninstall opencv-python opencv-python-headless" in check.advice


def test_the_packages_that_are_installed_here_are_healthy() -> None:
    installed = machine.installed()
    assert machine.check_opencv(installed).verdict is Verdict.OK
    assert machine.check_onnxruntime(installed).verdict is Verdict.OK


def test_the_network_that_is_shipped_is_the_one_that_its_script_makes() -> None:
    assert probe_network.PLACE == NETWORK
    assert onnx.load(str(NETWORK)) == probe_network.probe_network()


def test_the_probe_network_computes_what_opencv_computes() -> None:
    x = np.random.default_rng(2).standard_normal(probe_network.SHAPE).astype(np.float32)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(NETWORK.read_bytes(), np.uint8))
    net.setInput(x)
    expected = net.forward()

    from mien_models.runtimes.ort.library import onnxruntime

    y = np.asarray(onnxruntime.InferenceSession(str(NETWORK)).run(["y"], {"x": x})[0])
    assert np.std(y) > 0.1
    np.testing.assert_allclose(y, expected, atol=1e-3)


def test_the_cpu_provider_really_runs() -> None:
    result = probe("CPUExecutionProvider")
    assert "error" not in result
    assert float(result["ms"]) > 0


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_would_fall_back_to_the_cpu_is_found_out() -> None:
    assert "error" in probe("AzureExecutionProvider")


def test_a_listed_provider_that_fails_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[str, dict[str, object]] = {
        "CUDAExecutionProvider": {"error": "libcudnn.so.9 not found"},
        "CoreMLExecutionProvider": {"ms": 2.0},
        "CPUExecutionProvider": {"ms": 5.0},
    }
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: list(results))
    cuda, coreml, cpu = networks.check_providers(results.__getitem__, nothing_missing)
    assert cuda.verdict is Verdict.ADVICE
    assert "DOES NOT RUN: libcudnn.so.9" in cuda.found
    assert "2.5 times as fast as the CPU" in coreml.found
    assert cpu.verdict is Verdict.OK


def nothing_missing(provider: str) -> tuple[str, ...]:
    return ()


def test_a_provider_without_its_libraries_is_not_run_and_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    (cuda,) = networks.check_providers(pytest.fail, lambda _: ("libcudnn.so.9",))
    assert cuda.verdict is Verdict.ADVICE
    assert cuda.found == "listed, but DOES NOT RUN: libcudnn.so.9 is missing"
    assert "uv pip install 'onnxruntime-gpu[cuda,cudnn]" in cuda.advice


def test_an_idle_card_is_advice_with_the_line_that_puts_it_to_work() -> None:
    card = GraphicsCard("NVIDIA GeForce RTX 4070", (8, 9), "580.88", 12282)
    idle = check_card(card, Available(("CPUExecutionProvider",)))
    assert idle.verdict is Verdict.ADVICE
    assert "the processor computes" in idle.advice
    assert "uv pip install onnxruntime-ep-nv-tensorrt-rtx" in idle.advice
    busy = check_card(card, Available(("NvTensorRTRTXExecutionProvider", "CPUExecutionProvider")))
    assert (busy.verdict, busy.advice) == (Verdict.OK, "")
    assert "driver 580.88" in busy.found
    assert check_card(None, Available(("CPUExecutionProvider",))).verdict is Verdict.OK


def test_without_a_running_cpu_provider_mien_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    (cpu,) = networks.check_providers(lambda _: {"error": "illegal instruction"})
    assert cpu.verdict is Verdict.BROKEN


def test_a_provider_that_ends_its_process_is_survived(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -SEGV $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(dying))
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    (cuda,) = networks.check_providers(None, nothing_missing)
    assert "ended the process" in cuda.found


def test_cameras_that_may_not_be_opened_come_with_the_command_that_helps() -> None:
    assert devices.check_cameras([_camera()]).verdict is Verdict.OK
    denied = devices.check_cameras([_camera(is_denied=True)])
    assert denied.verdict is Verdict.ADVICE
    assert "usermod" in denied.advice
    assert devices.check_cameras([_camera(is_virtual=True)]).found == "none"


@pytest.mark.parametrize(
    ("can", "verdict", "word"),
    [
        (v4l2.Capability.OUTPUT, Verdict.OK, "free"),
        (v4l2.Capability.CAPTURE, Verdict.ADVICE, "in use"),
        (v4l2.Capability.CAPTURE | v4l2.Capability.OUTPUT, Verdict.ADVICE, "without exclusive_caps"),
    ],
)
def test_a_virtual_camera_is_free_or_in_use_or_set_up_wrongly(
    can: v4l2.Capability, verdict: Verdict, word: str
) -> None:
    check = devices.check_virtual_camera([(VirtualCamera("Mien", "/dev/video10"), can)])
    assert (check.verdict, word in check.found) == (verdict, True)


def test_a_full_disk_is_broken_and_a_small_one_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def with_free(free: int) -> Verdict:
        def disk_usage(folder: Path) -> _Usage:
            return _Usage(free)

        monkeypatch.setattr("shutil.disk_usage", disk_usage)
        return machine.check_room(tmp_path).verdict

    assert [with_free(n) for n in (10**12, 5 * 10**8, 10**6)] == [Verdict.OK, Verdict.ADVICE, Verdict.BROKEN]


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_data_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "file" / "data"))
    check = machine.check_memory_of_consents()
    assert check.verdict is Verdict.BROKEN
    assert os.strerror(errno.ENOTDIR) in check.found


def test_a_check_that_fails_of_itself_is_a_finding_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def sick() -> Any:
        raise ImportError("libGL.so.1: cannot open shared object file")

    def healthy() -> Any:
        return iter([Check("more", Verdict.OK, "fine")])

    rows: tuple[tuple[str, Callable[[], Any]], ...] = (("camera", sick), ("more", healthy))
    monkeypatch.setattr(run, "_EXAMINATION", rows)
    broken, fine = run.examine()
    assert broken.verdict is Verdict.BROKEN
    assert "libGL.so.1" in broken.found
    assert fine.verdict is Verdict.OK
