"""What holds of every picture that leaves the program."""

import ast
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.pipeline.frame import Frame
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien.stages.marks import Marks, MarkStage
from mien_models.types import BgrU8

ROOT = Path(mien.__file__).parent


def noise(height: int = 720, width: int = 1280) -> BgrU8:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def places_that_call(method: str) -> set[str]:
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == method:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_only_the_marks_let_swapped_pictures_out_and_only_the_quality_bench_sees_them_bare() -> None:
    assert places_that_call("released") == {"stages/marks.py"}
    assert places_that_call("before_marks") == {"diagnostics/bench/quality.py"}
    assert places_that_call("for_marking_elsewhere") == {"remote/swapping.py"}
    assert not [path for path in ROOT.rglob("*.py") if "_SwappedPicture__" in path.read_text(encoding="utf-8")]


def test_nobody_else_can_make_a_released_picture() -> None:
    with pytest.raises(TypeError, match="marks"):
        ReleasedPicture(noise(4, 4), is_marked=False, signer=object())
    with pytest.raises(TypeError, match="marks"):
        ReleasedPicture.unswapped(SwappedPicture(noise(4, 4)))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_marked_picture_is_labelled_and_changed_everywhere_else_a_little() -> None:
    picture = noise()
    released = Marks(language="en").release(SwappedPicture(picture), 0)
    change = np.abs(released.image_bgr.astype(int) - picture)
    assert released.is_marked
    assert change[120:].max() <= 5
    assert (change[120:] > 0).mean() > 0.3
    assert change[:110, 700:1120].max() > 100
    assert 10 * np.log10(255**2 / np.mean(change[120:] ** 2.0)) >= 42


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_hold(level: int) -> None:
    picture = np.full((360, 640, 3), level, np.uint8)
    released = Marks(language="en").release(SwappedPicture(picture), 0)
    assert np.abs(released.image_bgr[120:].astype(int) - level).max() <= 5


def test_frames_where_nothing_was_swapped_go_out_bit_for_bit() -> None:
    frame = MarkStage(Marks())(Frame(noise(36, 64), 0, 0))
    assert frame.outgoing.image_bgr is frame.image
    assert not frame.outgoing.is_marked


def test_a_swapped_frame_cannot_be_written_before_it_is_marked() -> None:
    frame = Frame(noise(36, 64), 0, 0, composed=SwappedPicture(noise(36, 64)))
    with pytest.raises(ValueError, match="no mark"):
        _ = frame.outgoing
    assert MarkStage(Marks())(frame).outgoing.is_marked


def test_two_runs_are_two_sessions() -> None:
    assert len({Marks().session_id for _ in range(20)}) > 15
