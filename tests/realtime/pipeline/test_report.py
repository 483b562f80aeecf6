import json
import os
import sys
from pathlib import Path

import pytest

from mien.pipeline.metrics import Histogram, Memory
from mien.pipeline.report import Report, StateChange, ages_of, memory_use_of, stage_time_of, versions

FIELDS = {
    "frames_in", "frames_swapped", "frames_out", "dropped", "repeated", "age_ms", "stages", "fps_in", "fps_out",
    "startup_s", "rss_mb", "providers", "state_changes", "versions",
}  # fmt: skip


def a_report() -> Report:
    ages = Histogram()
    for age_ms in range(1, 101):
        ages.record_ms(age_ms)
    return Report(
        frames_in=100,
        frames_swapped=90,
        frames_out=99,
        dropped=2,
        repeated=1,
        age_ms=ages_of(ages),
        stages={"track": stage_time_of(ages)},
        fps_in=30.0,
        fps_out=30.0,
        startup_s=1.2,
        rss_mb=memory_use_of(Memory()),
        providers={"face_landmark": "litert-cpu"},
        state_changes=(StateChange(0.0, "lost", "Wartet – 等待"),),
        versions=versions(),
    )


def test_a_report_carries_every_agreed_field(tmp_path: Path) -> None:
    a_report().write(tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(read) >= FIELDS
    assert set(read["age_ms"]) == {"p50", "p95", "p99"}
    assert set(read["stages"]["track"]) == {"p50_ms", "p95_ms"}
    assert set(read["rss_mb"]) == {"start", "peak", "end"}
    assert read["state_changes"] == [{"at_s": 0.0, "state": "lost", "why": "Wartet – 等待"}]
    assert read["age_ms"]["p95"] == pytest.approx(95, rel=0.01)
    assert "mien" in read["versions"]


def test_a_report_replaces_an_older_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("an older one", encoding="utf-8")
    a_report().write(path)
    assert json.loads(path.read_text(encoding="utf-8"))["frames_in"] == 100
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.mkdir()
    with pytest.raises(OSError, match="report"):
        a_report().write(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_report_has_the_permissions_of_any_file(tmp_path: Path) -> None:
    path, usual = tmp_path / "report.json", tmp_path / "usual"
    usual.touch()
    a_report().write(path)
    assert path.stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes have no place among the files")
def test_a_report_goes_into_a_pipe_or_device_and_does_not_replace_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as reader:
        a_report().write(pipe)
        assert json.loads(reader.read())["frames_in"] == 100
    assert pipe.is_fifo()
