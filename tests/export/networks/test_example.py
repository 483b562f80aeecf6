"""The example, as the README runs it: two clips, a trained pair, an ONNX file, a model, a swapped clip."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mien.cli.main import main as mien
from mien_export.cli.app import app
from mien_export.proof.faces import known_faces

ROOT = Path(__file__).parents[3]
SMALL = ["--size", "64", "--batch", "2"]


def clip(path: Path, *, is_bluish: bool) -> Path:
    """Write sixty frames of a portrait that nods, leans and comes nearer."""
    ((_, source_photo_bgr, _),) = known_faces()
    picture = np.ascontiguousarray(source_photo_bgr[:, :, ::-1]) if is_bluish else source_photo_bgr
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 256
        for number in range(60):
            move = cv2.getRotationMatrix2D((220, 120), 12 * np.sin(number / 6), 0.8 + 0.1 * np.sin(number / 9))
            move[:, 2] += (128 - 220, 110 - 120)
            frame = cv2.warpAffine(picture, move, (256, 256), borderMode=cv2.BORDER_REPLICATE)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame, np.uint8), format="bgr24")))
        file.mux(stream.encode())
    return path


def steps_of(checkpoint: Path) -> int:
    kept = cast("dict[str, Any]", torch.load(checkpoint, map_location="cpu", weights_only=True))
    return int(kept["step"])


def train(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "export" / "examples" / "train_df"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.filterwarnings("ignore")
def test_two_clips_become_a_swapped_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    source_face, target = clip(tmp_path / "source.mp4", is_bluish=True), clip(tmp_path / "target.mp4", is_bluish=False)
    first = train(str(source_face), str(target), "-o", "pair", "--minutes", "0.05", *SMALL)
    assert first.returncode == 0, first.stderr
    assert "faces" in first.stderr
    steps = steps_of(Path("pair/df.pth"))
    # How many fit into the time is for the machine to say.
    assert steps > 0
    shown = cv2.imread("pair/preview.png")
    assert shown is not None
    assert shown.shape == (6 * 160, 5 * 160, 3)
    again = train(str(source_face), str(target), "-o", "pair", "--minutes", "0.02", *SMALL)
    assert f"going on from step {steps}" in again.stderr
    assert steps_of(Path("pair/df.pth")) > steps

    exported = CliRunner().invoke(app, ["onnx", "pair/df.pth", "-o", "df.onnx", "--precision", "mixed", "--fused"])
    assert exported.exit_code == 0, exported.output
    assert "weights from ema" in exported.stderr, "the smoothed weights are the ones to export"
    assert mien(["models", "add", "df.onnx"]) == 0
    words = ["swap", str(target), "out.mp4", "--swapper", "df", "--consent", "self", "--content-gate", "off"]
    assert mien(words) == 0
    with av.open("out.mp4") as file:
        assert sum(1 for _ in file.decode(video=0)) == 60


def test_what_cannot_be_trained_is_one_sentence(tmp_path: Path) -> None:
    nothing = train(str(tmp_path / "none.mp4"), str(tmp_path / "none.mp4"), "-o", str(tmp_path / "pair"))
    assert nothing.returncode == 1
    assert "should show one face in at least 50 frames" in nothing.stderr
    odd = train("a.mp4", "b.mp4", "-o", str(tmp_path / "pair"), "--size", "70")
    assert odd.returncode == 1
    assert "--size should be" in odd.stderr
