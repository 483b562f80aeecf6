"""Faces are followed through scale, turns, speed, losses and crossings, and never invented."""

import math

import cv2
import numpy as np
import pytest

from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.tracker import Tracker
from mien_models.types import AffineF64, BgrU8, Face, PointsF32

FRAME_NS = 33_333_333
SIZE = (1280, 720)


def background() -> BgrU8:
    """A dull room: a gradient with some blocks in it."""
    y, x = np.mgrid[0:720, 0:1280]
    room = np.stack([90 + x // 16, 100 + y // 9, 140 - x // 20], axis=-1).astype(np.uint8)
    room[500:, 200:500] = (40, 60, 80)
    room[100:300, 1000:1200] = (160, 150, 140)
    return room


class Cutout:
    """The astronaut's head, to be put anywhere in a picture."""

    def __init__(self, source_photo: BgrU8, face: Face) -> None:
        self._portrait = source_photo
        self.face = face
        left, top, right, bottom = face.box_xyxy
        self.middle = (float(left + right) / 2, float(top + bottom) / 2)
        self._alpha = np.zeros(source_photo.shape[:2], np.uint8)
        cv2.ellipse(self._alpha, (int(self.middle[0]), int(self.middle[1])), (72, 84), 0, 0, 360, 255, -1)

    def matrix(self, at: tuple[float, float], width_px: float, roll_deg: float = 0.0) -> AffineF64:
        scale = width_px / self.face.width_px
        matrix = np.asarray(cv2.getRotationMatrix2D(self.middle, -roll_deg, scale), np.float64)
        matrix[:, 2] += np.array(at) - self.middle
        return matrix

    def onto(self, picture: BgrU8, at: tuple[float, float], width_px: float, roll_deg: float = 0.0) -> PointsF32:
        """Put the head there; give where its landmarks are."""
        matrix = self.matrix(at, width_px, roll_deg)
        reach = int(width_px * 1.2) + 2
        left, top = max(0, int(at[0]) - reach), max(0, int(at[1]) - reach)
        part = picture[top : int(at[1]) + reach, left : int(at[0]) + reach]
        if part.size:
            shifted = matrix - [[0, 0, left], [0, 0, top]]
            head = cv2.warpAffine(self._portrait, shifted, part.shape[1::-1], flags=cv2.INTER_AREA)
            alpha = cv2.warpAffine(self._alpha, shifted, part.shape[1::-1])[..., None] / np.float32(255)
            part[:] = (head * alpha + part * (1 - alpha)).astype(np.uint8)
        return np.asarray(self.face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2], np.float32)


@pytest.fixture(scope="session")
def head(source_photo: BgrU8, portrait_face: Face) -> Cutout:
    return Cutout(source_photo, portrait_face)


@pytest.fixture
def tracker(networks: FaceNetworks) -> Tracker:
    return Tracker(networks)


def middle(face: Face) -> tuple[float, float]:
    x, y = (face.box_xyxy[:2] + face.box_xyxy[2:]) / 2
    return float(x), float(y)


def first_found(tracker: Tracker, picture: BgrU8, frames: int) -> tuple[int, tuple[Face, ...]]:
    """Show the same picture until a face is found; give the number of the frame and the faces."""
    for index in range(frames):
        faces = tracker(picture, index * FRAME_NS)
        if faces:
            return index, faces
    return frames, ()


@pytest.mark.parametrize(
    ("width_px", "roll_deg", "within"),
    [(380, 0, 1), (380, 45, 1), (200, -45, 2), (90, 0, 30), (40, 0, 45), (40, 45, 60), (44, -45, 60), (250, 90, 30)],
)
def test_a_face_is_found_within_some_frames(
    tracker: Tracker, head: Cutout, width_px: int, roll_deg: int, within: int
) -> None:
    picture = background()
    expected = head.onto(picture, (850, 330), width_px, roll_deg)
    index, faces = first_found(tracker, picture, within)
    assert len(faces) == 1, f"not found within {within} frames"
    error = np.linalg.norm(faces[0].landmarks[:, :2] - expected, axis=1).mean() / width_px
    assert error < 0.06, f"found in frame {index}, but off by {error:.3f} widths"


def test_no_frame_without_a_face_ever_shows_one(tracker: Tracker) -> None:
    random = np.random.default_rng(3)
    for index in range(40):
        noise = cv2.resize(
            random.integers(0, 256, (9 * (index % 8 + 1), 16 * (index % 8 + 1), 3)).astype(np.uint8), SIZE
        )
        assert tracker(np.asarray(noise, np.uint8), index * FRAME_NS) == ()


def test_a_face_that_is_gone_is_gone_in_the_same_frame(tracker: Tracker, head: Cutout) -> None:
    with_face = background()
    head.onto(with_face, (640, 360), 200)
    for index in range(5):
        assert len(tracker(with_face, index * FRAME_NS)) == 1
    assert tracker(background(), 5 * FRAME_NS) == ()


def test_a_short_loss_keeps_the_id_and_a_long_one_does_not(tracker: Tracker, head: Cutout) -> None:
    with_face, without = background(), background()
    head.onto(with_face, (640, 360), 200)

    def show(picture: BgrU8, start_s: float, frames: int) -> list[int]:
        shown = [tracker(picture, round(start_s * 1e9) + i * FRAME_NS) for i in range(frames)]
        return [face.id for faces in shown for face in faces]

    assert show(with_face, 0.0, 5) == [0] * 5
    assert show(without, 0.2, 25) == []
    assert set(show(with_face, 1.1, 5)) == {0}
    assert show(without, 1.3, 120) == []
    assert set(show(with_face, 5.5, 5)) == {1}


def test_another_place_after_a_hard_cut_is_another_id(tracker: Tracker, head: Cutout) -> None:
    left, right = background(), background()
    head.onto(left, (250, 360), 160)
    head.onto(right, (1000, 360), 160)
    for index in range(4):
        tracker(left, index * FRAME_NS)
    ids = {face.id for index in range(4, 10) for face in tracker(right, index * FRAME_NS)}
    assert ids == {1}


def place(way: str, time_s: float) -> tuple[tuple[float, float], float, float]:
    """Where a head is on its way: its middle, its width and its roll in degrees."""
    match way:
        case "fast":
            at = (640 + 420 * math.sin(5 * time_s), 360 + 60 * math.sin(9 * time_s))
            return at, 220.0, 10 * math.sin(5 * time_s)
        case "nearer":
            return (640.0, 360.0), 60 * math.exp(1.2 * time_s), 0.0
        case "rolling":
            return (640.0, 360.0), 240.0, 60 * math.sin(3 * time_s)
        case _:
            return (640 - 260 * time_s, 360.0), 240.0, 0.0


@pytest.mark.parametrize("way", ["fast", "nearer", "rolling", "leaving by the edge"])
def test_a_moving_head_keeps_its_id_and_its_landmarks(tracker: Tracker, head: Cutout, way: str) -> None:
    errors: list[float] = []
    for index in range(45):
        at, width_px, roll_deg = place(way, index / 30)
        picture = background()
        expected = head.onto(picture, at, width_px, roll_deg)
        faces = tracker(picture, index * FRAME_NS)
        if index < 20 and not faces and not errors:
            continue
        assert [face.id for face in faces] == [0], f"in frame {index}"
        errors.append(float(np.linalg.norm(faces[0].landmarks[:, :2] - expected, axis=1).mean()) / width_px)
    assert np.median(errors) < 0.04
    assert max(errors) < 0.15


def test_two_heads_that_cross_keep_their_ids(tracker: Tracker, head: Cutout) -> None:
    def places(step: int) -> tuple[tuple[float, float], tuple[float, float]]:
        return (260 + 12 * step, 330.0), (1020 - 12 * step, 380.0)

    def ids_by_place(step: int, captured_ns: int) -> list[int | None]:
        picture = background()
        for at in places(step):
            head.onto(picture, at, 190)
        faces = tracker(picture, captured_ns)
        return [next((f.id for f in faces if math.dist(middle(f), at) < 60), None) for at in places(step)]

    waited = next(i for i in range(30) if None not in ids_by_place(0, i * FRAME_NS))
    before = ids_by_place(0, (waited + 1) * FRAME_NS)
    assert before in ([0, 1], [1, 0])
    after = before
    for step in range(1, 64):
        after = ids_by_place(step, (waited + 1 + step) * FRAME_NS)
        assert set(after) <= {0, 1, None}, f"in step {step}"
    assert after == before


def test_pictures_of_another_size_start_over_without_reusing_an_id(tracker: Tracker, head: Cutout) -> None:
    large = background()
    head.onto(large, (640, 360), 200)
    assert [face.id for face in tracker(large, 0)] == [0]
    small = np.asarray(cv2.resize(large, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)
    assert [face.id for face in tracker(small, FRAME_NS)] == [1]


def test_tiny_pictures_are_survived(tracker: Tracker) -> None:
    for index, shape in enumerate([(1, 1, 3), (2, 300, 3), (300, 2, 3), (17, 19, 3)]):
        assert tracker(np.full(shape, 100, np.uint8), index * FRAME_NS) == ()
