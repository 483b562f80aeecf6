"""A recording says that a face was replaced, and the library's own reader agrees."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import c2pa
import pytest
from tests.realtime.provenance.c2pa.conftest import SESSION, frame

from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.pipeline.frame import OutputFormat
from mien.pipeline.sink_interfaces import Signed
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.session.ends import sign_files
from mien.session.options import SigningOptions
from mien.sinks.backends.file import FileSink
from mien.sinks.backends.images import ImagesSink
from mien.sinks.recorded_file import recover
from mien.sinks.registry import SINKS, make_sink
from mien_models.errors import SinkError, SourceError, UsageError

Record = Callable[..., Path]
UNTRUSTED = "valid, signer not trusted"


def manifest_of(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read with nothing of ours: everything that is said, and the active manifest."""
    with path.open("rb") as file, c2pa.Reader(None, file) as reader:
        store = json.loads(reader.json())
    return store, store["manifests"][store["active_manifest"]]


def aged(path: Path) -> Path:
    os.utime(path, (1e9, 1e9))
    return path


def frames_in(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_another_reader_accepts_it_and_finds_what_was_done(record: Record, suffix: str) -> None:
    path = record(f"out{suffix}")
    store, manifest = manifest_of(path)
    assert store["validation_state"] == "Valid"
    assert [status["code"] for status in store["validation_status"]] == ["signingCredential.untrusted"]
    said = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
    created, bound = said["c2pa.actions.v2"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert bound["action"] == "c2pa.watermarked.bound"
    assert said["c2pa.soft-binding"] == {"alg": "mien-livemark-1", "blocks": [{"scope": {}, "value": SESSION}]}
    assert manifest["claim_generator_info"][0]["name"] == "Mien"
    assert not manifest.get("ingredients")
    assert "thumbnail" not in json.dumps(store)
    assert frames_in(path) == 70
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_what_shows_no_swapped_face_says_nothing(record: Record) -> None:
    assert read_credentials(record("out.mp4", is_swapped=False)) == {"state": "none"}


def test_a_changed_byte_of_the_pictures_is_told(record: Record) -> None:
    path = record("out.mp4")
    content = bytearray(path.read_bytes())
    content[content.rfind(b"mdat") + 500] ^= 1
    path.write_bytes(content)
    found = read_credentials(path)
    assert found["state"] == "broken/tampered"
    assert "changed" in str(found["reason"])


def test_the_credentials_of_another_recording_are_told(record: Record) -> None:
    one, other = record("one.mp4").read_bytes(), record("other.mp4", frames=80).read_bytes()
    # The manifest lies in a box of its own behind `ftyp`: of the same size in both, as it says the same.
    begin = one.index(b"uuid") - 4
    size = int.from_bytes(one[begin : begin + 4], "big")
    assert int.from_bytes(other[begin : begin + 4], "big") == size
    path = Path(record("three.mp4").with_name("mixed.mp4"))
    path.write_bytes(other[:begin] + one[begin : begin + size] + other[begin + size :])
    assert read_credentials(path)["state"] == "broken/tampered"


def test_a_file_that_is_cut_off_is_told(record: Record) -> None:
    path = record("out.mp4")
    path.write_bytes(path.read_bytes()[:-4000])
    assert read_credentials(path)["state"] in ("broken/tampered", "unreadable")


def test_when_signing_fails_the_recording_is_kept_and_says_so(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise SigningError("It cannot be signed: no reason.")

    monkeypatch.setattr(Signer, "sign", fail)
    with pytest.raises(SinkError, match=r"out\.mp4' is complete, but carries no Content Credentials.*no reason"):
        record("out.mp4")
    assert frames_in(tmp_path / "out.mp4") == 70
    assert read_credentials(tmp_path / "out.mp4") == {"state": "none"}


def test_a_disk_that_fills_while_signing_costs_nothing(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    path = record("out.mp4", is_swapped=False)
    before = path.read_bytes()
    monkeypatch.setattr("mien.provenance.c2pa.sign._CountingFile.write", _full)
    with pytest.raises(SigningError):
        Signer(SESSION).sign(path, "video/mp4")
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_signing_that_takes_long_says_how_far_it_is(
    record: Record, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mien.provenance.c2pa.sign._SAY_EVERY_NS", -1)
    with caplog.at_level("INFO"):
        record("out.mp4")
    said = [text for text in caplog.messages if text.startswith("Signing out.mp4: ")]
    parts = [int(text.split()[-2]) for text in said]
    assert parts == sorted(parts)
    assert len(set(parts)) > 5


def _full(_file: object, _content: object) -> int:
    raise OSError(28, "No space left on device")


KILLED = """
import os, sys
from fractions import Fraction
from mien.pipeline.frame import OutputFormat
from mien.pipeline.sink_interfaces import Signed
from mien.provenance.c2pa.sign import Signer
from mien.session.options import SigningOptions
from mien.session.ends import sign_files
from mien.config.settings_file import load_settings
from mien.sinks.registry import SINKS, make_sink
from mien.sinks.backends.file import FileSink
from tests.realtime.provenance.c2pa.conftest import SESSION, frame
sink = FileSink(sys.argv[1], OutputFormat(128, 96, Fraction(30)))
sink.signer = Signer(SESSION)
with sink:
    for index in range(400):
        sink.write(frame(index))
    os._exit(9)
"""


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
def test_a_recording_that_was_killed_is_neither_lost_nor_overwritten_and_recovers(tmp_path: Path, name: str) -> None:
    path, part = tmp_path / name, tmp_path / f"{name}.part"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], check=False, env={**os.environ, "PYTHONPATH": "."}
    )
    assert killed.returncode == 9
    left = part.read_bytes()
    with pytest.raises(SinkError, match=r"unfinished recording.*mien recover"):
        FileSink(str(path), OutputFormat(128, 96, Fraction(30)))
    assert part.read_bytes() == left
    with pytest.raises(UsageError, match="grew a moment ago"):
        recover(part)
    part.with_name(f"{part.name}.signed").write_bytes(b"the run was killed while it signed")
    aged(part)
    whole, frames = recover(part)
    assert (whole, frames_in(whole)) == (path, frames)
    assert frames >= 300
    found = read_credentials(whole)
    assert (found["state"], found["session"]) == (UNTRUSTED, SESSION)
    assert [left.name for left in tmp_path.iterdir()] == [name]


def test_a_recovery_that_fails_keeps_what_there_is(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    part = record("out.mp4", is_swapped=False).rename(record("x.mp4").with_name("out.mp4.part"))

    def fail(*_arguments: object, **_more: object) -> None:
        raise SigningError("It cannot be signed.")

    monkeypatch.setattr(Signer, "sign", fail)
    with pytest.raises(SigningError):
        recover(aged(part))
    assert part.exists()
    (part.parent / "out.mp4").write_bytes(b"another one")
    with pytest.raises(UsageError, match="there already"):
        recover(part)
    assert part.exists()


def test_a_disk_that_fills_while_recovering_is_not_taken_for_an_empty_recording(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = record("out.mp4", is_swapped=False)
    part = aged(whole.rename(f"{whole}.part"))

    def full(*_arguments: object) -> tuple[int, str | None]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mien.sinks.recorded_file._copied", full)
    with pytest.raises(SinkError, match="No space left on device"):
        recover(part)
    assert [left.name for left in part.parent.iterdir()] == [part.name]


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"no video at all" * 50])
def test_where_nothing_was_recorded_it_says_so(tmp_path: Path, content: bytes) -> None:
    part = tmp_path / "out.mp4.part"
    part.write_bytes(content)
    aged(part)
    with pytest.raises(SourceError, match="No frame can be found"):
        recover(tmp_path / "out.mp4")
    with pytest.raises(SourceError, match="There is no unfinished recording"):
        recover(tmp_path / "other.mp4")
    assert [left.name for left in tmp_path.iterdir()] == [part.name]


@pytest.mark.parametrize("name", [name for name in SINKS.names() if SINKS.load(name).writes_target])
def test_every_sink_that_leaves_files_is_given_the_sessions_seal(tmp_path: Path, name: str) -> None:
    sink = make_sink(f"{name}:{tmp_path / 'out.mp4'}", OutputFormat(128, 96, Fraction(30)))
    assert isinstance(sink, Signed)
    sign_files([sink], SigningOptions(None, None), SESSION)
    assert sink.signer.session == SESSION


def test_a_picture_that_cannot_be_signed_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> bytes:
        raise SigningError("It cannot be signed: no reason.")

    monkeypatch.setattr(Signer, "signed", fail)
    with (
        ImagesSink(str(tmp_path), OutputFormat(128, 96, Fraction(30))) as sink,
        pytest.raises(SinkError, match=r"000000\.png' carries no Content Credentials.*no reason"),
    ):
        sink.write(frame(0))
    assert (tmp_path / "000000.png").stat().st_size


def test_pictures_are_signed_one_by_one(tmp_path: Path) -> None:
    sink = ImagesSink(str(tmp_path), OutputFormat(128, 96, Fraction(30)))
    sink.signer = Signer(SESSION)
    with sink:
        sink.write(frame(0))
        sink.write(frame(1, is_swapped=False))
    assert read_credentials(tmp_path / "000000.png")["session"] == SESSION
    assert read_credentials(tmp_path / "000001.png") == {"state": "none"}
