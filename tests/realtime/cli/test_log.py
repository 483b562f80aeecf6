"""`mien log`: what a swap leaves there, and what tampering does."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.cli.main import main
from mien.session.audit import local_audit_log
from mien.stages.content_gate import ContentError
from mien.tracking.photo import public_domain_photo


@pytest.fixture(autouse=True)
def _after_a_swap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_photo(), "my secret name.png")
    words = ["swap", "--face", "my secret name.png", "--consent", "public-domain", "my secret name.png", "out.png"]
    assert main(words) == 0
    capsys.readouterr()


def test_a_swap_is_in_the_log_without_the_photos_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "show", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["kind"] for entry in entries] == ["start", "face", "label", "output", "models", "stop"]
    assert entries[1]["fields"] == {"consents": ["public-domain"], "names": ["photo"]}
    assert "secret" not in local_audit_log().path.read_text(encoding="utf-8")
    assert main(["log", "show", "--last", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_marked_picture_is_matched_with_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "out.png", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    if not result["mark"]["session"]:
        pytest.skip("the mark of one picture did not say its session")
    assert result["mark"]["local_log"]["command"] == "swap"
    assert main(["verify", "out.png"]) == 0
    assert "own log has that session" in capsys.readouterr().out


def test_a_changed_line_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "verify"]) == 0
    path = local_audit_log().path
    path.write_text(path.read_text(encoding="utf-8").replace("public-domain", "self"), encoding="utf-8")
    assert main(["log", "verify"]) == 1
    assert "Line 2" in capsys.readouterr().err


def test_forgetting_has_to_be_confirmed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "purge"]) == 2
    assert main(["log", "purge", "--before", "yesterday"]) == 2
    assert "2026-11-24" in capsys.readouterr().err
    assert main(["log", "purge", "--yes"]) == 0
    assert "6 lines" in capsys.readouterr().err
    assert main(["log", "verify"]) == 0


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["log", "show", "--json"]) == 0
    entry: dict[str, Any] = json.loads(capsys.readouterr().out)[-1]
    return entry


def test_a_swap_that_fails_is_in_the_log_with_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    Path("noise.mp4").write_bytes(bytes(range(256)) * 40)
    assert main(["swap", "noise.mp4", "out.mp4"]) == 1
    entry = last_line(capsys)
    assert (entry["kind"], entry["fields"]["frames_swapped"]) == ("stop", 0)
    assert entry["fields"]["why"] != "done"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ContentError("The film looks intimate."), "The film looks intimate."),
        (KeyboardInterrupt(), "it was stopped by Ctrl-C"),
        (ZeroDivisionError(), "Mien is at fault (ZeroDivisionError)"),
    ],
)
def test_a_swap_that_is_refused_stopped_or_crashes_is_in_the_log_with_its_end(
    error: BaseException, why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("mien.pipeline.offline.swap._swap_picture", end)
    assert main(["swap", "my secret name.png", "other.png"]) != 0
    entry = last_line(capsys)
    assert (entry["kind"], entry["fields"]["why"]) == ("stop", why)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there are no such signals here")
@pytest.mark.parametrize(("number", "why"), [("SIGTERM", "SIGTERM"), ("SIGKILL", "without a word")])
def test_a_swap_that_a_signal_ends_is_in_the_log_with_its_end(
    number: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with av.open("long.mp4", "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = 640, 480
        picture = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 128, np.uint8), "bgr24")
        for index in range(1500):
            picture.pts = index
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    command = [sys.executable, "-m", "mien", "swap", "long.mp4", "long out.mp4"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as swapping:
        lines = len(list(local_audit_log().entries()))
        while len(list(local_audit_log().entries())) < lines + 5:
            assert swapping.poll() is None
            time.sleep(0.02)
        swapping.send_signal(getattr(signal, number))
        swapping.wait(30)
    entry = last_line(capsys)
    assert entry["kind"] == "stop"
    assert why in entry["fields"]["why"]
