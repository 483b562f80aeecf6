"""Landmarks stay on the skin: they neither tremble with the network nor lag behind the head."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.tracking.geometry import Extent, TrackedImage
from mien.tracking.landmark_filter import LandmarkFilter
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.settings import LandmarkFilterSettings
from mien_models.geometry.face_regions import CHEEKS, EYE_LEFT, LIPS_OUTER, NOSE_BRIDGE, OVAL
from mien_models.types import AffineF64, BgrU8, Face, PointsF32

FRAME_NS = 33_333_333
TREMBLING = 0.0015
"""Of the pretended network, in face sizes (a standard deviation)."""
SKIN = [*OVAL, *NOSE_BRIDGE, *CHEEKS[0], *CHEEKS[1]]
OFF_LIPS = [point for point in range(468) if point not in LIPS_OUTER]

Moves = Callable[[int], tuple[float, float, float]]
"""Pixels to the right, degrees of roll and growth in the frame of this number."""


@dataclass(frozen=True)
class Seen:
    """What became of a face, in face sizes and in the pictures' own coordinates, so that a perfect answer is 0."""

    network: NDArray[np.float32]
    steadied: NDArray[np.float32]

    @property
    def trembling(self) -> float:
        """How much less the skin jumps from frame to frame than the network does."""
        jumps = [float(np.abs(np.diff(off[5:, SKIN], axis=0)).mean()) for off in (self.steadied, self.network)]
        return jumps[0] / jumps[1]


@dataclass(frozen=True)
class Scene:
    """The astronaut's face, moved as one likes, and a network that trembles."""

    source_photo: BgrU8
    face: Face

    def matrix(self, right_px: float, roll_deg: float, growth: float) -> AffineF64:
        left, top, right, bottom = (float(edge) for edge in self.face.box_xyxy)
        middle = ((left + right) / 2, (top + bottom) / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(middle, -roll_deg, growth), np.float64)
        matrix[:, 2] += np.array([right_px + 256, 240.0]) - middle
        return matrix

    def play(
        self,
        moves: Moves,
        frames: int = 40,
        light: Callable[[int], float] = lambda _: 1.0,
        network: Callable[[int, PointsF32], PointsF32] | None = None,
    ) -> Seen:
        steady, random = LandmarkFilter(LandmarkFilterSettings()), np.random.default_rng(2)
        offs: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for index in range(frames):
            matrix = self.matrix(*moves(index))
            picture = cv2.warpAffine(self.source_photo, matrix, (512, 480)).astype(np.float32) * light(index)
            picture += random.normal(0, 2, picture.shape)
            truth = moved(self.face.landmarks, matrix)
            size_px = Extent.of(truth).height
            said = truth.copy()
            said[:, :2] += random.normal(0, TREMBLING * size_px, (468, 2))
            said = said if network is None else network(index, said)
            frame = TrackedImage(np.clip(picture, 0, 255).astype(np.uint8), index * FRAME_NS)
            answer = steady(frame, LandmarkFit(said, 1.0, Extent.of(said).region()))
            offs.append((off(said, truth, size_px), off(answer, truth, size_px)))
        return Seen(*(np.stack(part) for part in zip(*offs, strict=True)))


def moved(landmarks: PointsF32, matrix: AffineF64) -> PointsF32:
    out = landmarks.copy()
    out[:, :2] = landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return out


def off(points: PointsF32, truth: PointsF32, size_px: float) -> NDArray[np.float32]:
    return np.asarray((points - truth)[:, :2] / size_px, np.float32)


def only(points: Iterable[int], by_px: float) -> PointsF32:
    shift = np.zeros((468, 3), np.float32)
    shift[list(points), 1] = by_px
    return shift


@pytest.fixture(scope="module")
def scene(source_photo: BgrU8, portrait_face: Face) -> Scene:
    return Scene(source_photo, portrait_face)


def resting(_: int) -> tuple[float, float, float]:
    return 0.0, 0.0, 1.3


WAYS: dict[str, Moves] = {
    "slow": lambda i: (0.1 * i, 0, 1.3),
    "sideways": lambda i: (100 * np.sin(i / 6), 0, 1.3),
    "rolling": lambda i: (0, 30 * np.sin(i / 6), 1.3),
    "nearer": lambda i: (0, 0, 1.2 ** np.sin(i / 5)),
}


def test_a_resting_face_trembles_a_quarter_as_much_as_the_network(scene: Scene) -> None:
    assert scene.play(resting).trembling < 0.25


@pytest.mark.parametrize("way", WAYS)
def test_a_moving_face_neither_trembles_nor_lags(scene: Scene, way: str) -> None:
    seen = scene.play(WAYS[way])
    assert seen.trembling < 0.4
    together = np.abs(seen.steadied[5:].mean(axis=1))  # what all points are off by: a lag shows here
    assert together.max() < TREMBLING


def test_a_lamp_that_goes_on_and_off_is_no_motion(scene: Scene) -> None:
    assert scene.play(resting, light=lambda i: 1.3 if i // 5 % 2 else 0.8).trembling < 0.45


def test_lips_are_where_the_network_has_them_within_three_frames(scene: Scene) -> None:
    def opening(index: int, said: PointsF32) -> PointsF32:
        return said + only(LIPS_OUTER, 3.0 if index >= 20 else 0.0)

    seen = scene.play(resting, network=opening)
    lips = seen.steadied[:, list(LIPS_OUTER), 1].mean(axis=1)
    wanted = seen.network[30:, list(LIPS_OUTER), 1].mean()
    assert lips[22] > 0.7 * wanted
    assert np.abs(np.diff(seen.steadied[5:, list(OVAL)], axis=0)).mean() < TREMBLING / 4


def test_the_network_wins_within_two_seconds_over_a_picture_that_wandered_off(scene: Scene) -> None:
    def at_first_wrong(index: int, said: PointsF32) -> PointsF32:
        return said + only(OFF_LIPS, 1.0 if index == 0 else 0.0)

    seen = scene.play(resting, frames=60, network=at_first_wrong)
    wrong = seen.steadied[:, OFF_LIPS, 1].mean(axis=1)
    assert wrong[5] > 0.4 * wrong[0]
    assert wrong[-1] < 0.1 * wrong[0]


@pytest.mark.parametrize("points", [range(468), OVAL, NOSE_BRIDGE])
def test_far_from_the_picture_the_network_is_taken_at_its_word(scene: Scene, points: Iterable[int]) -> None:
    def jumping(index: int, said: PointsF32) -> PointsF32:
        return said + only(points, 30.0 if index >= 20 else 0.0)

    seen = scene.play(resting, frames=25, network=jumping)
    jump = seen.network[20, list(points), 1].mean()
    assert seen.steadied[20, list(points), 1].mean() > 0.9 * jump


def test_a_picture_that_says_nothing_leaves_the_motion_to_the_network(scene: Scene) -> None:
    way = WAYS["sideways"]
    seen = scene.play(way, light=lambda _: 0.0)
    assert np.abs(seen.steadied.mean(axis=1)).max() < 0.01  # of a face that moves by a tenth of its size in a frame


def test_time_that_does_not_go_on_begins_anew(scene: Scene) -> None:
    steady = LandmarkFilter(LandmarkFilterSettings())
    picture = np.zeros((480, 512, 3), np.uint8)
    here, there = (moved(scene.face.landmarks, scene.matrix(x, 0, 1)) for x in (0, 60))
    steady(TrackedImage(picture, FRAME_NS), LandmarkFit(here, 1.0, Extent.of(here).region()))
    again = steady(TrackedImage(picture, FRAME_NS), LandmarkFit(there, 1.0, Extent.of(there).region()))
    np.testing.assert_array_equal(again, there)


def test_lids_are_where_the_network_has_them_in_the_second_frame(scene: Scene) -> None:
    def closing(index: int, said: PointsF32) -> PointsF32:
        return said + only(EYE_LEFT, 3.0 if index >= 20 else 0.0)

    seen = scene.play(resting, frames=25, network=closing)
    lids, wanted = (off[:, list(EYE_LEFT), 1].mean(axis=1) for off in (seen.steadied, seen.network))
    assert lids[21] > 0.85 * wanted[21]
