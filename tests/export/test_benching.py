"""`mien-export bench` measures each file by itself and says in one sentence what does not run."""

import json
from pathlib import Path

import pytest
from tests.onnx_networks import arcface_network, dfm_network
from typer.testing import CliRunner

from mien_export.benching import BenchError
from mien_export.cli.app import app
from mien_models.errors import UsageError


def test_files_are_measured_side_by_side(tmp_path: Path) -> None:
    one, other = arcface_network(tmp_path / "one.onnx"), dfm_network(tmp_path / "other.onnx")
    done = CliRunner().invoke(app, ["bench", str(one), str(other), "--runs", "3", "--json"])
    assert done.exit_code == 0, done.output
    costs = json.loads(done.stdout)
    assert [cost["file"] for cost in costs] == ["one.onnx", "other.onnx"]
    assert all(cost["run_ms"] > 0 and cost["peak_mb"] > 10 for cost in costs)
    shown = CliRunner().invoke(app, ["bench", str(one), "--runs", "1"])
    assert " 1.00 " in shown.stdout
    assert costs[0]["export_s"] is None
    (tmp_path / "one.proof.json").write_text('{"made": {"seconds": 37.5, "peak_mb": 3831.0}}')
    shown = CliRunner().invoke(app, ["bench", str(one), "--runs", "1"])
    assert shown.stdout.splitlines()[1].split()[-2:] == ["38", "3831"]


def test_what_does_not_run_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"\x08noise")
    failed = CliRunner().invoke(app, ["bench", str(tmp_path / "noise.onnx")])
    assert isinstance(failed.exception, BenchError)
    with pytest.raises(BenchError, match=r"'noise\.onnx' should be an ONNX file that runs here, but: \w+"):
        raise failed.exception
    assert "ONNXRuntimeError" not in str(failed.exception)


@pytest.mark.parametrize("words", [["bench"], ["verify", "net.onnx"], ["engine", "-o", "net.engine"]])
def test_a_checkpoint_in_the_place_of_a_file_is_said_to_be_one(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("net.onnx", "net.pth"):
        Path(name).write_bytes(b"0")
    failed = CliRunner().invoke(app, [*words, "net.pth"])
    assert isinstance(failed.exception, UsageError)
    assert "mien-export onnx net.pth -o net.onnx makes one" in str(failed.exception)
