"""Masks meet swapped faces: where they are looked up, how several are joined, how an outline ends."""

import numpy as np
import pytest

from mien.pipeline.frame import Frame
from mien.stages.mask import Edge, FaceMask, MaskMethod, MaskStage
from mien_models.types import BgrU8, Face, HeadPose, MaskU8, SwappedFace, Warp

SIDE = 120
FRAME: BgrU8 = np.zeros((SIDE, SIDE, 3), np.uint8)


class Fixed:
    """Always gives the same mask; knows which faces it was told to forget."""

    def __init__(self, mask: FaceMask | None) -> None:
        self.answer = mask
        self.forgotten: list[int] = []

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002
        return self.answer

    def forget(self, face_id: int) -> None:
        self.forgotten.append(face_id)


def face(face_id: int = 1) -> Face:
    box = np.array([10, 10, SIDE - 10, SIDE - 10], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


def left_half(at_x: int = SIDE // 2) -> FaceMask:
    """Something in front of all that is left of `at_x`, at half the frame's resolution."""
    image = np.full((SIDE // 2, SIDE // 2), 255, np.uint8)
    image[:, : at_x // 2] = 0
    return FaceMask(image, np.array([[2, 0, 0.5], [0, 2, 0.5]], np.float64))


def masked(
    methods: list[MaskMethod], *, edge: Edge | None = None, warp: Warp | None = None, scale: float = 1.0
) -> MaskU8:
    side = round(SIDE / scale)
    alpha = np.full((side, side), 255, np.uint8)
    half = (scale - 1) / 2
    place = np.array([[scale, 0, half], [0, scale, half]], np.float64)
    swapped = SwappedFace(1, np.zeros((side, side, 3), np.uint8), alpha, place, warp)
    frame = Frame(FRAME, 0, 0, (face(),), (face(),), swapped=(swapped,))
    return MaskStage(methods, edge or Edge())(frame).swapped[0].alpha


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_what_is_in_front_is_not_drawn(scale: float) -> None:
    alpha = masked([Fixed(left_half())], scale=scale)
    middle = alpha.shape[1] // 2
    margin = max(2, round(4 / scale))
    assert alpha[:, : middle - margin].max() == 0
    assert alpha[:, middle + margin :].min() == 255


def test_the_mask_that_leaves_least_open_counts() -> None:
    alpha = masked([Fixed(None), Fixed(left_half(30)), Fixed(left_half(80))])
    assert alpha[:, :76].max() == 0
    assert alpha[:, 84:].min() == 255


def test_without_a_mask_or_an_edge_nothing_is_touched() -> None:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    swapped = SwappedFace(1, np.zeros((SIDE, SIDE, 3), np.uint8), alpha, np.eye(2, 3))
    frame = Frame(FRAME, 0, 0, (face(),), (face(),), swapped=(swapped,))
    assert MaskStage([Fixed(None)], Edge())(frame).swapped[0] is swapped


def test_a_mask_is_bent_with_the_frame() -> None:
    shift = np.zeros((4, 4, 2), np.float32)
    shift[..., 0] = 20  # what is shown at x comes from x + 20
    alpha = masked([Fixed(left_half())], warp=Warp(0, 0, SIDE, SIDE, shift))
    assert alpha[:, : SIDE // 2 - 24].max() == 0
    assert alpha[:, SIDE // 2 - 16 :].min() == 255


def disc() -> MaskU8:
    y, x = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(x - SIDE / 2, y - SIDE / 2)
    return np.where((away < 50) & (away > 8), 255, 0).astype(np.uint8)


def test_an_edge_is_eroded_and_feathered_in_parts_of_the_face() -> None:
    swapped = SwappedFace(1, np.zeros((SIDE, SIDE, 3), np.uint8), disc(), np.eye(2, 3))
    frame = Frame(FRAME, 0, 0, (face(),), (face(),), swapped=(swapped,))
    alpha = MaskStage([], Edge(erode=0.1, feather=0.1))(frame).swapped[0].alpha.astype(int)
    row = alpha[SIDE // 2, SIDE // 2 :]
    assert row[42:].max() == 0  # 50 - 0.1 * 100 = 40
    assert 40 < row[35] < 220
    assert row[12:28].min() == 255
    assert row[:6].max() == 0  # the hole stays
    assert row[10] == 255  # and gets no feather of its own


def test_a_face_that_is_no_longer_followed_is_forgotten() -> None:
    method = Fixed(None)
    stage = MaskStage([method], Edge())
    stage(Frame(FRAME, 0, 0, (face(1), face(2)), (face(1), face(2))))
    stage(Frame(FRAME, 1, 1, (face(1), face(2)), (face(2),)))
    assert method.forgotten == []
    stage(Frame(FRAME, 2, 2, (face(2),), (face(2),)))
    assert method.forgotten == [1]


def test_after_a_cut_a_face_that_goes_on_is_learned_anew() -> None:
    method = Fixed(None)
    stage = MaskStage([method], Edge())
    for index, shot in enumerate((0, 0, 1, 1)):
        stage(Frame(FRAME, index, index, (face(1),), (face(1),), shot=shot))
        assert method.forgotten == [1] * (shot == 1)


def test_left_out_it_looks_for_nothing_keeps_the_edge_and_forgets_what_it_knew() -> None:
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[10:-10, 10:-10] = 255
    swapped = SwappedFace(1, np.zeros((SIDE, SIDE, 3), np.uint8), alpha, np.eye(2, 3))
    frame = Frame(FRAME, 0, 0, (face(),), (face(),), swapped=(swapped,))
    method = Fixed(left_half())
    stage = MaskStage([method], Edge(erode=0.1))
    masked_alpha = stage(frame).swapped[0].alpha
    (part,) = stage.parts
    assert part.cost_ms is not None
    part.switch(on=False)
    left_out = stage(frame).swapped[0].alpha
    assert method.forgotten == [1]
    assert left_out[SIDE // 2, SIDE // 4] == 255 > masked_alpha[SIDE // 2, SIDE // 4]
    assert left_out[:14].max() < 255
    part.switch(on=True)
    assert (stage(frame).swapped[0].alpha == masked_alpha).all()


def test_a_stage_without_methods_has_nothing_to_leave_out() -> None:
    assert MaskStage([], Edge()).parts == ()
