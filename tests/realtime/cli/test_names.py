"""Names of files that look like something else, are no text or hardly fit."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from tests.real_runs import mien, sentence_of

from mien.media.text import text_mask
from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo
from mien_models.types import as_u8

NO_TEXT = os.fsdecode(b"n\xffo \x1b[31m")
"""Bytes that are not UTF-8, and what a terminal would obey."""
LONGEST = 255

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="such names exist there")


def film(path: Path) -> Path:
    photo = read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr
    small = as_u8(np.ascontiguousarray(photo[::2, ::2]))
    with av.open(f"file:{path}", "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(small, "bgr24")))
        file.mux(stream.encode(None))
    return path


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_photo(), "photo.png")


def frames_in(path: str) -> int:
    with av.open(f"file:{path}") as file:
        return sum(1 for _ in file.decode(video=0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["12:30 call", "http:x", NO_TEXT, "concat:a|b", "%d {x} [1]?", "-"])
def test_a_film_of_any_name_is_swapped_into_one_of_any_name(name: str) -> None:
    film(Path(f"{name}.mp4"))
    done = mien("swap", "--report", f"{name}.json", "--", f"{name}.mp4", f"to {name}.mov")
    assert done.returncode == 0, done.stderr.decode()
    assert frames_in(f"to {name}.mov") == 4
    assert b"\x1b" not in done.stderr
    report = Path(f"{name}.json").read_bytes().decode()
    assert json.loads(report)["frames_swapped"] == 4
    assert mien("verify", "--json", f"./to {name}.mov").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rec:1", NO_TEXT, "x" * (LONGEST - 4)])
def test_a_camera_and_its_recordings_may_have_any_name(name: str) -> None:
    film(Path(f"{name}.mp4"))
    shutil.copy("photo.png", f"{name}.png")
    sinks = ["--sink", f"file:to/{name}.mov", "--sink", f"images:{name[:40]}", "--sink", "null"]
    words = ["--camera", f"{name}.mp4", "--face", f"{name}.png", "--consent", "public-domain"]
    Path("to").mkdir()
    done = mien("run", *words, *sinks, "--report", "report.json")
    assert done.returncode == 0, done.stderr.decode()
    assert b"\x1b" not in done.stderr
    assert [os.fsencode(found.name) for found in Path("to").iterdir()] == [os.fsencode(f"{name}.mov")]
    report = json.loads(Path("report.json").read_bytes().decode())
    assert frames_in(f"to/{name}.mov") == next(
        count["written"] for sink, count in report["sinks"].items() if sink.startswith("video file")
    )
    shown = mien("log", "show", "--json")
    assert any("video file" in str(entry) for entry in json.loads(shown.stdout.decode()))
    assert mien("log", "verify").returncode == 0


def test_a_photo_without_a_text_for_a_name_is_drawn_and_named() -> None:
    shutil.copy("photo.png", f"{NO_TEXT}.png")
    done = mien("faces", "show", f"{NO_TEXT}.png")
    assert done.returncode == 0, done.stderr.decode()
    assert Path(f"{NO_TEXT}-understood.png").is_file()
    film(Path(f"{NO_TEXT}.mp4"))
    assert mien("verify", f"{NO_TEXT}.mp4", "--timeline", f"{NO_TEXT} t.png").returncode == 0


def test_letters_that_are_none_are_drawn_as_others() -> None:
    """OpenCV ends the whole process."""
    code = "from mien.media.text import text_mask; text_mask('a\\udcff\\ud83d\\x00b', 20)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert np.any(text_mask("\udcff", 20))


@pytest.mark.parametrize(
    "words",
    [
        ["swap", "LONG.mp4", "o.mp4"],
        ["swap", "photo.png", "LONG.png"],
        ["swap", "photo.png", "o.png", "--face", "LONG.png", "--consent", "self"],
        ["swap", "photo.png", "o.png", "--report", "LONG.json"],
        ["swap", "photo.png", "o.png", "--config", "LONG.toml"],
        ["swap", "photo.png", "o.png", "--assign", "LONG.png=photo.png"],
        ["run", "--camera", "LONG.mp4", "--sink", "null"],
        ["run", "--camera", "synthetic", "--sink", "file:LONG.mp4"],
        ["verify", "LONG.mp4"],
        ["verify", "photo.png", "--trust", "LONG.pem"],
        ["recover", "LONG.mp4.part"],
        ["faces", "show", "LONG.png"],
        ["faces", "add", "LONG.png", "--name", "Ada", "--consent", "self"],
        ["models", "add", "LONG.onnx"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long_is_one_sentence(words: list[str]) -> None:
    before = set(Path().iterdir())
    done = mien(*(word.replace("LONG", "x" * 300) for word in words))
    assert done.returncode in {1, 2}
    assert sentence_of(done.stderr)
    assert b"name is too long" in done.stderr or b"There is no file" in done.stderr
    assert set(Path().iterdir()) == before


def test_a_name_with_a_tilde_is_a_file_like_any_other() -> None:
    film(Path("~nobody.mp4"))
    done = mien("run", "--camera", "~nobody.mp4", "--sink", "null")
    assert done.returncode == 0, done.stderr.decode()
