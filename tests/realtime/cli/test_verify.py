"""`mien verify`, as people and programs call it."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from tests.http_files import Behaviour, serving
from tests.realtime.provenance.test_watermark import FPS, PAYLOAD, clip, marked

from mien.cli.main import main
from mien_models.types import BgrU8


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def video(name: str, pictures: list[BgrU8]) -> None:
    with av.open(name, "w") as target:
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "22"})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        for picture in pictures:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        target.mux(stream.encode(None))


def test_a_marked_video_tells_its_session_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    plain = clip(frames=4 * FPS)
    video("some.mp4", [*plain, *marked(plain)])
    assert main(["verify", "some.mp4", "--json", "--timeline", "when.png"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["mark"]["found"]
    assert result["mark"]["session"] == PAYLOAD.session_id
    assert result["mark"]["ranges"] == [[4.0, pytest.approx(7.92, abs=0.1)]]
    assert "state" in result["content_credentials"]
    assert cv2.imread("when.png") is not None
    assert main(["verify", "some.mp4"]) == 0
    assert capsys.readouterr().out.startswith(f"Mark found (session {PAYLOAD.session_id}, 4 to 8 s)")


def test_an_unmarked_video_says_nothing_about_authenticity(capsys: pytest.CaptureFixture[str]) -> None:
    video("plain.mp4", clip())
    assert main(["verify", "plain.mp4"]) == 0
    assert "No mark found: says nothing about authenticity." in capsys.readouterr().out


def test_a_marked_picture_is_read_and_an_unmarked_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    plain = clip(1280, 720, frames=1)[0]
    cv2.imwrite("marked.jpg", marked([plain])[0], [cv2.IMWRITE_JPEG_QUALITY, 85])
    cv2.imwrite("plain.png", plain)
    assert main(["verify", "marked.jpg", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mark"]["session"] == PAYLOAD.session_id
    assert main(["verify", "plain.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mark"]["found"] is False


@pytest.mark.parametrize("content", [b"", b"no picture at all", bytes(range(256)) * 40])
def test_what_cannot_be_read_is_said_in_one_sentence(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.mp4").write_bytes(content)
    assert main(["verify", "broken.mp4"]) == 1
    assert main(["verify", "missing.mp4"]) == 1
    assert main(["verify", "ftp://example.invalid/a.mp4"]) == 2
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 3
    assert "Traceback" not in said


def test_a_file_that_is_cut_off_is_looked_at_as_far_as_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    video("whole.mkv", marked(clip(frames=6 * FPS)))
    raw = Path("whole.mkv").read_bytes()
    Path("cut.mkv").write_bytes(raw[: len(raw) * 4 // 5])
    assert main(["verify", "cut.mkv", "--whole"]) == 0
    said = capsys.readouterr().out
    assert PAYLOAD.session_id in said
    assert "cut off or damaged" in said


def test_an_address_is_downloaded_looked_at_and_thrown_away(capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite("marked.png", marked(clip(frames=1))[0])
    with serving(Behaviour(content=Path("marked.png").read_bytes())) as address:
        assert main(["verify", f"{address}/net.onnx", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["mark"]["session"] == PAYLOAD.session_id
        assert main(["verify", f"{address}/nothing.png"]) == 1
    assert "does not give that file" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["marked.png"]


def test_noise_alone_carries_no_mark(capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite("noise.png", np.random.default_rng(1).integers(0, 256, (540, 960, 3), np.uint8))
    assert main(["verify", "noise.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mark"]["found"] is False
