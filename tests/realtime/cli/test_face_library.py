"""`mien faces add|list|remove` and `--face NAME`, as a user has them."""

import json
import struct
import threading
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.onnx_networks import arcface_network, dfm_network
from tests.stored_models import Shelf

from mien.cli.main import main
from mien_models.types import BgrU8


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait_png: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MIEN_PASSPHRASE", "several plain words")
    Path("photo.png").write_bytes(portrait_png.read_bytes())


def add(*more: str, name: str = "Anna", photo: str = "photo.png") -> int:
    return main(["faces", "add", photo, "--name", name, "--consent", "public-domain", *more])


def run(*more: str) -> int:
    words = ["run", "--face", "Anna", "--camera", "synthetic", "--seconds", "1", "--sink", "null"]
    return main([*words, *more])


def test_a_face_is_added_listed_worn_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("said.txt").write_text("I may be used.")
    assert add("--scope", "live", "--until", "2999-01-01", "--statement", "said.txt") == 0
    assert "mien run --face Anna" in capsys.readouterr().out
    assert main(["faces", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["scope"] == ["live"]
    assert listed["until"] == "2999-01-01"
    assert listed["statement"] == "I may be used."
    Path("photo.png").unlink()
    assert run("--report", "report.json") == 0
    assert json.loads(Path("report.json").read_text())["notes"]["consent"] == "public-domain"
    assert "Anna" in "".join(path.read_text() for path in Path("state").rglob("*.jsonl"))
    assert main(["faces", "show", "Anna"]) == 0
    assert Path("Anna-understood.png").is_file()
    capsys.readouterr()
    assert main(["faces", "remove", "Anna"]) == 0
    assert main(["faces", "list"]) == 0
    assert "No faces yet" in capsys.readouterr().out
    assert run() == 1


def test_a_use_that_was_not_agreed_to_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert add("--scope", "live") == 0
    assert run("--sink", "file:out.mp4") == 1
    assert main(["swap", "photo.png", "out.png", "--face", "Anna"]) == 1
    assert "not for recording" in capsys.readouterr().err
    assert not list(Path().glob("out*"))


@pytest.mark.slow
def test_removing_a_face_ends_the_run_that_wears_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert add() == 0

    def remove_soon() -> None:
        while not list(Path("out").glob("*.png")):
            time.sleep(0.1)
        main(["faces", "remove", "Anna"])

    thread = threading.Thread(target=remove_soon)
    thread.start()
    assert run("--seconds", "60", "--sink", "images:out") == 1
    thread.join()
    said = capsys.readouterr().err
    assert "was removed from the library" in said
    last = cv2.imread(str(max(Path("out").glob("*.png"))))
    assert last is not None
    assert len(np.unique(last.reshape(-1, 3), axis=0)) < 2000, "the last picture is the card"
    assert "LIVE" not in said.split("was removed from the library")[1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--scope", "films"], "--scope takes live or recording"),
        (["--until", "2001-01-01"], "has passed"),
        (["--statement", "photo.png"], "should be a text file"),
        (["--name", "a/b"], "no '/'"),
        (["--name", " "], "1 to 60 letters"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_kept(
    more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(*more) == 2
    assert told in capsys.readouterr().err
    assert not [path for path in Path("data").rglob("*") if path.name == "record.json"]


def test_a_name_is_taken_once_and_two_kinds_of_faces_are_not_mixed(capsys: pytest.CaptureFixture[str]) -> None:
    assert add() == 0
    assert add(name="anna") == 2
    assert "is called 'anna' already" in capsys.readouterr().err
    assert run("--face", "photo.png") == 2
    assert "one face of the library" in capsys.readouterr().err
    assert run("--consent", "self") == 2
    assert "as 'public-domain'" in capsys.readouterr().err


def test_a_swapper_with_a_face_inside_needs_a_right_to_that_face(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "add", str(dfm_network(Path("them.dfm"))), "--name", "them"]) == 0
    words = ["run", "--swapper", "them", "--camera", "synthetic", "--seconds", "1", "--sink", "null"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "whose face is in" in said
    assert "astronaut" not in said
    assert main([*words, "--consent", "granted", "--report", "report.json"]) == 0
    assert json.loads(Path("report.json").read_text())["notes"]["consent"] == "granted"
    assert main(words) == 0, "the answer is remembered"


def test_one_s_own_face_is_checked_where_a_network_can_and_else_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--camera", "synthetic", "--seconds", "2", "--sink", "null", "--consent", "self"]
    assert main([*words, "--face", "photo.png"]) == 0
    assert "It is not checked that you are 'photo.png'" in capsys.readouterr().err
    Shelf(tmp_path / "data" / "models").put("arcface_w600k_r50", arcface_network(tmp_path / "w600k.onnx"))
    main([*words, "--face", "photo.png"])
    assert "It is not checked" not in capsys.readouterr().err


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(path: Path) -> Path:
    """Write a small PNG whose header promises 40 000 x 40 000 pixels, which is 5 GB."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(120_001) * 100)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


def test_a_photo_that_would_fill_the_memory_is_refused_by_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert bomb(Path("bomb.png")).stat().st_size < 200_000
    assert add(photo="bomb.png") == 1
    assert "megapixels" in capsys.readouterr().err
    for name, content in (("empty.png", b""), ("noise.png", b"\x89PNG\r\n\x1a\nnoise"), ("text.jpg", b"hello")):
        Path(name).write_bytes(content)
        assert add(photo=name) == 1
        assert (
            len([line for line in capsys.readouterr().err.splitlines() if "error" in line.lower() or name in line]) >= 1
        )
    assert not list(Path("data").rglob("photo-*.bin"))


def test_only_the_face_and_a_little_around_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    from mien.consent.add_face import face_library

    picture = cv2.imread("photo.png")
    assert picture is not None
    wide: BgrU8 = cv2.copyMakeBorder(picture, 0, 0, 900, 900, cv2.BORDER_CONSTANT, value=(90, 90, 90)).astype(np.uint8)
    cv2.imwrite("wide.png", wide)
    assert add(photo="wide.png") == 0
    library = face_library()
    (kept,) = library.photos(library.named("Anna"), can_ask=False)
    assert kept.shape[1] < 700
    capsys.readouterr()
