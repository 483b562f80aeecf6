"""The finishing network learns, goes on where it was stopped, and comes out as a file that answers as torch does."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

TRAINER = Path(__file__).parents[3] / "export" / "examples" / "train_finisher"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TRAINER), *words], capture_output=True, text=True, check=False)


def write_pairs(folder: Path, kind: str, number: int) -> None:
    """Faces of one tone that should be of another."""
    random = np.random.default_rng(number)
    wanted = np.repeat(random.integers(60, 200, (24, 1, 1, 3)), 128, axis=1).repeat(128, axis=2).astype(np.uint8)
    atlas = np.full((24, 64, 64, 2), 128, np.uint8)
    np.savez(
        folder / f"{kind}-{number}.npz",
        composed=(wanted * 0.8).astype(np.uint8), wanted=wanted, alpha=np.full((24, 128, 128), 255, np.uint8),
        light=np.full((24, 8, 8, 3), 120, np.uint8), atlas=atlas, trust=np.full((24, 64, 64), 255, np.uint8),
        kind=np.full(24, 3 if kind == "strangers" else 0, np.uint8), person=np.arange(24, dtype=np.int32),
    )  # fmt: skip


def steps_of(run_folder: Path) -> int:
    kept = cast("dict[str, Any]", torch.load(run_folder / "finisher.pth", map_location="cpu", weights_only=True))
    return int(kept["step"])


@pytest.mark.filterwarnings("ignore")
def test_it_learns_goes_on_and_is_written_as_a_file_of_less_than_2_mb(tmp_path: Path) -> None:
    pairs, trained = tmp_path / "pairs", tmp_path / "run"
    pairs.mkdir()
    write_pairs(pairs, "pairs", 1)
    write_pairs(pairs, "strangers", 2)
    words = ("train", str(pairs), "-o", str(trained), "--batch", "4", "--critic-from", "4")
    first = run(*words, "--finish", "3")
    assert first.returncode == 0, first.stderr
    assert steps_of(trained) == 3
    second = run(*words, "--finish", "22")
    assert second.returncode == 0, second.stderr
    assert "going on from step 3" in second.stderr
    assert steps_of(trained) == 25
    assert "strayed" in (trained / "log.jsonl").read_text()
    assert (trained / "sheet.png").is_file()
    out = run("export", str(trained), "-o", str(tmp_path / "out"))
    assert out.returncode == 0, out.stderr
    assert (tmp_path / "out" / "finisher.onnx").is_file()
    assert 0 < (tmp_path / "out" / "finisher.tflite").stat().st_size < 2_000_000


@pytest.mark.filterwarnings("ignore")
def test_a_run_of_limited_time_ends_by_itself_and_leaves_what_the_next_one_needs(tmp_path: Path) -> None:
    pairs, trained = tmp_path / "pairs", tmp_path / "run"
    pairs.mkdir()
    write_pairs(pairs, "pairs", 1)
    write_pairs(pairs, "strangers", 2)
    done = run("train", str(pairs), "-o", str(trained), "--batch", "4", "--least-pairs", "20", "--seconds", "25")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in trained.iterdir()} == {
        "finisher.pth", "optimisers.pth", "log.jsonl", "sheet.png", "strangers.png",
    }  # fmt: skip
    assert max(path.stat().st_size for path in trained.iterdir()) < 15_000_000


def test_the_file_that_is_written_answers_as_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TRAINER), *sys.path])
    from deploying import run_tflite, tflite_of
    from finishing_network import Finisher

    torch.manual_seed(1)
    network = Finisher().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter + torch.randn(*parameter.shape) * 0.02)
        example = torch.rand(1, 10, 128, 128) - 0.5
        expected = network(example).permute(0, 2, 3, 1).numpy()
    (found,) = run_tflite(tflite_of(network), example.permute(0, 2, 3, 1).numpy())
    assert np.abs(expected).max() > 0.02
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
