"""A disk that is full, or fills: one sentence says so, what else can go on goes on, and no half file is left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from tests.real_runs import needs_unshare, sentence_of

from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo
from mien_models.types import as_u8

pytestmark = pytest.mark.slow
FULL = "the disk is full"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a film of a face in noise, which needs space, and a place for a small disk."""
    needs_unshare()
    monkeypatch.chdir(tmp_path)
    photo = as_u8(np.ascontiguousarray(read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr))
    noise = np.random.default_rng(0)
    with av.open("film.mp4", "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"crf": "12"})
        stream.height, stream.width = photo.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(12):
            picture = np.clip(photo + noise.normal(0, 12, photo.shape), 0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        file.mux(stream.encode(None))
    Path("disk").mkdir()
    return tmp_path


def on_a_disk_of(
    kib: int, *words: str, left_kib: int | None = None, more: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[bytes], dict[str, int]]:
    """Run `mien` where `disk` is a disk of its own, with so much of it left; tell what lies on it at the end."""
    filled = f"head -c {kib}K /dev/zero > disk/filler 2>&1; truncate -s -{left_kib}K disk/filler"
    script = f"""
        mount -t tmpfs -o size={kib}k none disk && {":" if left_kib is None else filled}
        "$@"; status=$?
        find disk -type f ! -name filler -printf '%p %s\\n' > left.txt
        exit $status
    """
    command = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-m", "mien", *words]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **(more or {})})
    left = dict(line.rsplit(" ", 1) for line in Path("left.txt").read_text().splitlines())
    return done, {name: int(size) for name, size in left.items()}


@pytest.mark.parametrize("left_kib", [0, 300])
def test_a_recording_ends_in_a_sentence_and_the_other_outputs_go_on(folder: Path, left_kib: int) -> None:
    words = ["--camera", "film.mp4", "--loop", "--seconds", "20", "--sink", "file:disk/a.mp4", "--sink", "null"]
    done, left = on_a_disk_of(512, "run", *words, "--report", "report.json", left_kib=left_kib)
    assert done.returncode == 0, done.stderr.decode()
    said = next(line for line in done.stderr.decode().splitlines() if FULL in line)
    assert said.startswith("mien: warning: Cannot write 'disk/a.mp4'")
    assert "Traceback" not in done.stderr.decode()
    sinks = json.loads((folder / "report.json").read_text(encoding="utf-8"))["sinks"]
    assert sinks["nowhere"]["written"] >= sinks["video file disk/a.mp4"]["written"]
    if left_kib:
        assert "disk/a.mp4.part" in said
        assert left["disk/a.mp4.part"] > 100_000
    else:
        assert "Nothing was recorded" in said
        assert left == {}


@pytest.mark.parametrize("left_kib", [0, 4, 400])
def test_a_film_that_does_not_fit_is_a_sentence_and_leaves_nothing(folder: Path, left_kib: int) -> None:
    done, left = on_a_disk_of(1024, "swap", "film.mp4", "disk/out.mp4", left_kib=left_kib)
    assert done.returncode == 1
    assert FULL in sentence_of(done.stderr)
    assert left == {}


@pytest.mark.parametrize("name", ["out.mp4", "out.png"])
def test_an_end_or_a_signature_that_does_not_fit_says_so_and_what_is_whole_is_kept(folder: Path, name: str) -> None:
    source = "film.mp4" if name.endswith("mp4") else str(public_domain_photo())
    done, left = on_a_disk_of(60_000, "swap", source, f"disk/{name}")
    assert done.returncode == 0, done.stderr.decode()
    size_kib = left[f"disk/{name}"] // 1024
    done, left = on_a_disk_of(size_kib + 120, "swap", source, f"disk/{name}")
    assert done.returncode == 1
    said = done.stderr.decode()
    assert "is complete, but carries no Content Credentials" in said
    assert FULL in said
    assert list(left) == [f"disk/{name}"]
    done, left = on_a_disk_of(size_kib - 24, "swap", source, f"disk/{name}")
    assert (done.returncode, FULL in sentence_of(done.stderr), left) == (1, True, {})


def test_pictures_stop_with_a_sentence_and_each_is_whole(folder: Path) -> None:
    words = ["--camera", "film.mp4", "--loop", "--seconds", "20", "--sink", "images:disk/im"]
    done, left = on_a_disk_of(700, "run", *words)
    assert done.returncode == 1
    assert FULL in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert left
    assert all(name.endswith(".png") and size for name, size in left.items())


def test_reports_logs_faces_and_results_say_so(folder: Path) -> None:
    photo = str(public_domain_photo())
    done, left = on_a_disk_of(64, "swap", photo, "o.png", "--report", "disk/r.json", left_kib=0)
    assert (done.returncode, FULL in sentence_of(done.stderr), left) == (1, True, {})
    done, _ = on_a_disk_of(64, "swap", photo, "o.png", left_kib=0, more={"MIEN_STATE_DIR": "disk/state"})
    assert done.returncode == 0
    assert "not in the local log" in done.stderr.decode()
    assert FULL in done.stderr.decode()
    add = ["faces", "add", photo, "--name", "Ada", "--consent", "public-domain"]
    more = {"MIEN_DATA_DIR": "disk/data", "MIEN_PASSPHRASE": "long enough words"}
    done, left = on_a_disk_of(64, *add, left_kib=8, more=more)
    assert (done.returncode, FULL in sentence_of(done.stderr)) == (1, True)
    assert not [name for name in left if "latest-time" not in name]
    done, left = on_a_disk_of(64, "faces", "show", photo, "-o", "disk/s.png", left_kib=0)
    assert (done.returncode, FULL in sentence_of(done.stderr), left) == (1, True, {})


def test_a_line_of_the_log_that_does_not_fit_does_no_damage(folder: Path) -> None:
    """The log fills its disk in the middle of a line."""
    script = """
import sys
from pathlib import Path
from mien.provenance.audit_log.log import AuditLog, AuditLogError
journal = AuditLog(Path("disk/log"))
try:
    while True:
        journal.append("output", "0123ab", {"to": ["x" * 700]})
except AuditLogError as error:
    print(error)
Path("disk/filler").unlink()
journal.append("output", "0123ab", {"to": ["again"]})
found = journal.examine()
print(found.is_whole, found.entries > 2)
"""
    command = f"mount -t tmpfs -o size=64k none disk && head -c 20K /dev/zero > disk/filler && '{sys.executable}' - "
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command], input=script.encode(), capture_output=True, check=False
    )
    assert done.stdout.decode().splitlines()[-1] == "True True", done.stderr.decode()
    assert FULL in done.stdout.decode()
