import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.pipeline.live.state import covered_part
from mien_models.types import Face, HeadPose, SwappedFace


def a_face(left: float, top: float, right: float, bottom: float) -> Face:
    box = np.array([left, top, right, bottom], np.float32)
    return Face(1, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


def a_swap(
    size: int, x: float, y: float, *, scale: float = 1.0, turn_deg: float = 0.0, alpha: int = 255
) -> SwappedFace:
    turn = np.deg2rad(turn_deg)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return SwappedFace(
        1,
        np.zeros((size, size, 3), np.uint8),
        np.full((size, size), alpha, np.uint8),
        np.column_stack([linear, [x, y]]),
    )


@pytest.mark.parametrize(
    ("swapped", "part"),
    [
        (a_swap(100, 50, 50), 1.0),
        (a_swap(100, 50, 50, alpha=100), 0.0),
        (a_swap(100, 100, 50), 0.5),
        (a_swap(100, 400, 50), 0.0),
        (a_swap(25, 50, 50, scale=4), 1.0),
        (a_swap(50, 50, 50), 0.25),
        (a_swap(100, 150, 50, turn_deg=90), 1.0),
    ],
)
def test_the_covered_part_is_what_lies_over_the_box(swapped: SwappedFace, part: float) -> None:
    assert covered_part(a_face(50, 50, 150, 150), swapped, 640, 360) == pytest.approx(part, abs=0.02)


def test_only_what_is_in_the_frame_must_be_covered() -> None:
    assert covered_part(a_face(-50, 0, 50, 100), a_swap(50, 0, 0), 640, 360) == pytest.approx(0.5, abs=0.02)
    assert covered_part(a_face(-90, 0, -10, 100), a_swap(50, 0, 0), 640, 360) == 1.0


@given(st.lists(st.floats(width=32), min_size=4, max_size=4), st.lists(st.floats(), min_size=6, max_size=6))
def test_no_face_and_no_matrix_is_too_odd_for_an_answer(box: list[float], matrix: list[float]) -> None:
    swapped = SwappedFace(
        1, np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 255, np.uint8), np.array(matrix).reshape(2, 3)
    )
    assert 0.0 <= covered_part(a_face(*box), swapped, 64, 36) <= 1.0
