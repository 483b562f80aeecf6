"""Where networks run, and the proof of it."""

import logging
from pathlib import Path

import numpy as np
import pytest
from tests.onnx_networks import affine_network

from mien_models.errors import ModelError
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.providers import CPU_PROVIDER, CPU_RUN, Run, planned_runs
from mien_models.runtimes.ort.select import Trial, serve
from mien_models.runtimes.ort.self_test import Proof, picture_fault, proven_session

SIDE = 16
KNOWN = {"x": np.linspace(0, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)}


def trial(tmp_path: Path, *, gain: float = 1.0) -> Trial:
    content = affine_network(tmp_path / "net.onnx", SIDE, gain, 0.0).read_bytes()
    return Trial(content, "net", KNOWN, lambda answers: picture_fault(answers["y"], lowest=0, highest=1))


def test_a_network_on_the_processor_proves_where_every_node_ran(tmp_path: Path) -> None:
    served = serve(trial(tmp_path), [CPU_RUN])
    assert set(served.proof.nodes) == {CPU_PROVIDER}
    assert served.proof.nodes[CPU_PROVIDER] >= 1
    assert served.proof.time_share[CPU_PROVIDER] == pytest.approx(1)
    assert served.proof.run_ms > 0
    assert not served.passed_over


def test_a_fall_to_the_processor_is_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        served = serve(trial(tmp_path), [Run("cuda"), CPU_RUN])
    assert served.run == CPU_RUN
    assert "CUDAExecutionProvider" in served.passed_over[0]
    assert "runs on cpu instead of cuda" in caplog.text


@pytest.mark.parametrize("gain", [0.0, float("nan"), 100.0])
def test_a_network_that_answers_nonsense_is_not_served(tmp_path: Path, gain: float) -> None:
    with pytest.raises(ModelError, match="fails its self-test on cpu"):
        serve(trial(tmp_path, gain=gain), [CPU_RUN])


def test_where_sixteen_bits_fail_thirty_two_are_tried_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def check(answers: object) -> str | None:
        calls.append("asked")
        return "its picture has a single colour" if len(calls) == 1 else None

    content = affine_network(tmp_path / "net.onnx", SIDE, 1.0, 0.0).read_bytes()
    with caplog.at_level(logging.WARNING):
        served = serve(Trial(content, "net", KNOWN, check), [Run("cpu", is_half=True), CPU_RUN])
    assert served.run == CPU_RUN
    assert "fails its self-test on cpu in 16 bits" in caplog.text


def test_a_provider_that_leaves_most_of_the_work_to_the_processor_is_refused() -> None:
    cuda = Run("cuda")
    mostly = Proof({cuda.provider: 20, CPU_PROVIDER: 3}, {cuda.provider: 0.95, CPU_PROVIDER: 0.05}, 1.0)
    hardly = Proof({cuda.provider: 2, CPU_PROVIDER: 30}, {cuda.provider: 0.1, CPU_PROVIDER: 0.9}, 1.0)
    never = Proof({CPU_PROVIDER: 30}, {CPU_PROVIDER: 1.0}, 1.0)
    assert mostly.fault(cuda) is None
    assert "90%" in (hardly.fault(cuda) or "")
    assert "none of its nodes" in (never.fault(cuda) or "")


def test_the_fastest_is_tried_first_and_the_processor_last() -> None:
    available = [CPU_PROVIDER, "CUDAExecutionProvider", "TensorrtExecutionProvider"]
    runs = planned_runs("auto", available)
    assert [run.name for run in runs] == ["tensorrt", "tensorrt", "cuda", "cuda", "cpu"]
    assert [run.is_half for run in runs[:2]] == [True, False]
    assert planned_runs("cpu", available) == (CPU_RUN,)
    assert [run.name for run in planned_runs("cuda", [CPU_PROVIDER])] == ["cuda", "cuda", "cpu"]


def test_nothing_is_allocated_while_shapes_stay(tmp_path: Path) -> None:
    session = OnnxSession(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 0.0).read_bytes(), "net")
    first = session.run(KNOWN)["y"]
    second = session.run({"x": KNOWN["x"] + 1})["y"]
    assert first is second
    np.testing.assert_allclose(second, 2 * (KNOWN["x"] + 1), rtol=1e-6)


def test_an_input_that_is_missing_or_of_another_shape_is_named(tmp_path: Path) -> None:
    session = OnnxSession(affine_network(tmp_path / "net.onnx", SIDE, 2.0, 0.0).read_bytes(), "net")
    with pytest.raises(ModelError, match="'x'"):
        session.run({})
    with pytest.raises(ModelError, match="does not run"):
        session.run({"x": np.zeros((1, 3, 4, 4), np.float32)})


def test_the_profile_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = affine_network(tmp_path / "net.onnx", SIDE, 1.0, 0.0).read_bytes()
    proven_session(
        content, "net", CPU_RUN, threads=1, known=KNOWN, check=lambda answers: None if answers else "nothing"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_network_that_is_hardly_trained_is_not_taken_for_a_broken_one() -> None:
    wave = np.sin(np.arange(64 * 64 * 3, dtype=np.float32)).reshape(1, 3, 64, 64)
    assert picture_fault(0.5 + wave / 1000, lowest=0, highest=1) is None
    assert picture_fault(np.full_like(wave, 0.5), lowest=0, highest=1) == "its picture has a single colour"
