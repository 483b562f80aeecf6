"""Files become whole or are not there, and one run at a time writes them."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mien_models.errors import SinkError
from mien_models.system.atomic_write import beside, own_part, whole_name, whole_or_nothing
from mien_models.system.one_writer import InUseError, check_nobody_writes, held, is_in_use, only_writer

HOLD = """
import sys
from pathlib import Path
from mien_models.system.one_writer import only_writer
with only_writer(Path(sys.argv[1])) as part:
    part.write_text("the first's")
    print(flush=True)
    sys.stdin.read()
"""


def names_in(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


@contextmanager
def another_run(path: Path) -> Generator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        yield run
        run.kill()


def test_a_second_run_is_refused_in_a_sentence_and_the_first_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with another_run(path) as first:
        with pytest.raises(InUseError, match=r"Another run is writing .*out\.mp4.*another name"), only_writer(path):
            pass
        first.communicate(b"")
    assert path.read_text() == "the first's"
    assert names_in(tmp_path) == ["out.mp4"]


def test_a_second_output_of_the_same_run_is_refused(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a.mp4") as part:
        part.write_text("whole")
        with pytest.raises(InUseError), only_writer(tmp_path / "a.mp4"):
            pass
        with only_writer(tmp_path / "b.mp4") as other:
            other.write_text("another")
    assert names_in(tmp_path) == ["a.mp4", "b.mp4"]


def test_what_a_killed_run_left_hinders_nobody_and_goes_when_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with another_run(path) as first:
        first.kill()
        first.wait()
        (left,) = tmp_path.iterdir()
        check_nobody_writes(path)
        assert left.exists(), "one that is being signed looks like this for a moment"
        os.utime(left, (1e9, 1e9))
        with only_writer(path) as part:
            part.write_text("the second's")
    assert names_in(tmp_path) == ["out.mp4"]
    assert path.read_text() == "the second's"


def test_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    others = [
        "out.mp4.part",
        "an out.mp4.01234567.part",
        "out.mov.01234567.part",
        "out.mp4.0123.part",
        "out.mp4.part.x",
    ]
    for name in others:
        (tmp_path / name).write_text("theirs")
        os.utime(tmp_path / name, (1e9, 1e9))
    with only_writer(tmp_path / "out.mp4") as part:
        part.write_text("ours")
    assert names_in(tmp_path) == sorted([*others, "out.mp4"])


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be opened there")
def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    with held(tmp_path, tmp_path):
        assert is_in_use(tmp_path)
        with pytest.raises(InUseError), held(tmp_path, tmp_path):
            pass
    assert not is_in_use(tmp_path)


@pytest.mark.parametrize("stem", ["x" * 300, "x" * 251, "é" * 126, "図" * 84, "x" * 240])
@pytest.mark.parametrize("ending", [".part", ".0123abcd.part", ".signed"])
def test_a_name_beside_a_long_one_fits_and_keeps_the_suffix(tmp_path: Path, stem: str, ending: str) -> None:
    path = tmp_path / f"{stem}.mp4"
    found = beside(path, ending)
    found.touch()
    assert found.name.endswith(f".mp4{ending}")
    assert found == beside(path, ending)
    assert found != beside(tmp_path / f"{stem}y.mp4", ending)


def test_a_name_that_only_just_fits_is_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 251}.png"
    with only_writer(path) as part:
        part.write_text("whole")
    with whole_or_nothing(path) as part:
        part.write_text("again")
    assert names_in(tmp_path) == [path.name]
    assert path.read_text() == "again"


def test_a_name_that_is_too_long_is_said_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 252}.png"
    for writing in (only_writer, whole_or_nothing):
        with pytest.raises(SinkError, match="the name is too long"), writing(path):
            pytest.fail("work began")


def test_two_unfinished_files_of_one_path_differ_and_say_what_they_will_be(tmp_path: Path) -> None:
    path = tmp_path / "a b.mp4"
    one, other = own_part(path), own_part(path)
    assert one != other
    assert whole_name(one) == whole_name(other) == whole_name(beside(path, ".part")) == "a b.mp4"


def test_an_exception_of_the_body_leaves_nothing(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        part.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), only_writer(tmp_path / "out.mp4") as part:
        fail(part)
    assert names_in(tmp_path) == []
