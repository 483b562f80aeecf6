import dataclasses

import numpy as np

from mien.pipeline.frame import Frame
from mien.stages.swap import SwapStage
from mien_models.types import BgrU8, Face, HeadPose, SwappedFace


def a_face(face_id: int) -> Face:
    return Face(
        face_id, np.array([0, 0, 4, 4], np.float32), np.zeros((468, 3), np.float32), HeadPose(0.0, 0.0, 0.0), 1.0
    )


class RecordingSwapper:
    def __init__(self) -> None:
        self.forgotten: list[int] = []

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:  # noqa: ARG002
        crop = frame_bgr[:4, :4].copy()
        return SwappedFace(face.id, crop, np.full((4, 4), 255, np.uint8), np.eye(2, 3))

    def forget(self, face_id: int) -> None:
        self.forgotten.append(face_id)


def a_packet(*, faces: tuple[int, ...], chosen: tuple[int, ...]) -> Frame:
    return Frame(
        np.zeros((8, 8, 3), np.uint8),
        0,
        0,
        faces=tuple(a_face(face_id) for face_id in faces),
        chosen=tuple(a_face(face_id) for face_id in chosen),
    )


def test_every_chosen_face_is_swapped_and_no_other() -> None:
    frame = SwapStage([RecordingSwapper()])(a_packet(faces=(1, 2, 3), chosen=(3, 1)))
    assert [swapped.face_id for swapped in frame.swapped] == [3, 1]


def test_a_face_is_forgotten_once_when_it_is_no_longer_followed() -> None:
    swapper = RecordingSwapper()
    stage = SwapStage([swapper])
    stage(a_packet(faces=(1, 2), chosen=(1, 2)))
    stage(a_packet(faces=(1, 2), chosen=(1,)))
    assert swapper.forgotten == []
    for _ in range(2):
        stage(a_packet(faces=(), chosen=()))
    assert sorted(swapper.forgotten) == [1, 2]


class Painter(RecordingSwapper):
    """Paints its number over the face."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:  # noqa: ARG002
        crop = np.full((4, 4, 3), self.level, np.uint8)
        return SwappedFace(face.id, crop, np.full((4, 4), 255, np.uint8), np.eye(2, 3))


def painted(stage: SwapStage, frame: Frame) -> list[int]:
    return [int(swapped.crop_bgr[0, 0, 0]) for swapped in stage(frame).swapped]


def test_each_face_wears_what_its_role_says() -> None:
    stage = SwapStage([Painter(10), Painter(20)])
    frame = dataclasses.replace(a_packet(faces=(1, 2, 3), chosen=(3, 1)), roles=(1, 0))
    assert painted(stage, frame) == [20, 10]
