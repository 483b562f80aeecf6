"""The synthetic camera: somebody who lives, found by the networks, the same for the same seed."""

from fractions import Fraction

import numpy as np
import pytest

from mien.pipeline.frame import Frame
from mien.sources.backends.synthetic import SyntheticSource, motion_at
from mien.tracking.geometry import head_pose, region_from_detection
from mien.tracking.landmark_fit import default_networks

SIZE = (640, 360)


@pytest.fixture(scope="module")
def half_a_minute() -> list[Frame]:
    """Every second of half a minute."""
    with SyntheticSource(*SIZE, Fraction(1)) as source:
        return [source.read() for _ in range(30)]


def test_a_face_is_found_in_every_frame_and_turns(half_a_minute: list[Frame]) -> None:
    networks = default_networks()
    yaws: list[float] = []
    for frame in half_a_minute:
        found = networks.detector.detect(frame.image)
        assert len(found) == 1
        landmarks, presence = networks.landmarker.landmarks(frame.image, region_from_detection(found[0]))
        assert presence > 0.9
        yaws.append(head_pose(landmarks).yaw_deg)
    assert max(yaws) - min(yaws) > 20


def test_the_same_seed_gives_the_same_frames_and_another_one_others(half_a_minute: list[Frame]) -> None:
    with SyntheticSource(*SIZE, Fraction(1)) as same, SyntheticSource(*SIZE, Fraction(1), seed=9) as other:
        for frame in half_a_minute[:2]:
            assert np.array_equal(same.read().image, frame.image)
            assert not np.array_equal(other.read().image, frame.image)


def test_no_two_frames_are_alike_to_the_last_bit(half_a_minute: list[Frame]) -> None:
    assert len({frame.image.tobytes() for frame in half_a_minute}) == len(half_a_minute)


def test_the_background_stands_still_and_the_head_does_not(half_a_minute: list[Frame]) -> None:
    stack = np.stack([frame.image for frame in half_a_minute]).astype(np.float32)
    change = stack.std(axis=0).mean(axis=2)
    assert change[:, :60].mean() < 3
    assert change[:, -60:].mean() < 3
    assert change[60:260, 240:400].mean() > 10


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (321, 241), (64, 48), (1920, 1080)])
def test_any_size_is_filled_to_its_edges(size: tuple[int, int]) -> None:
    with SyntheticSource(*size, Fraction(1)) as source:
        images = [source.read().image for _ in range(8)]
    for image in images:
        assert image.shape == (size[1], size[0], 3)
        assert image[0].max(axis=1).mean() > 100, "the wall behind the head is light, also where the picture ends"


def test_the_jaw_opens_a_dark_mouth_and_the_lids_close() -> None:
    times = [number / 30 for number in range(1800)]
    motions = [motion_at(time_s, 2) for time_s in times]
    assert max(motion.jaw for motion in motions) > 0.5
    assert min(motion.jaw for motion in motions) == 0
    assert max(motion.blink for motion in motions) > 0.9
    assert np.mean([motion.blink > 0.01 for motion in motions]) < 0.2
    assert all(abs(motion.yaw_deg) <= 25 and abs(motion.pitch_deg) <= 12 for motion in motions)


def test_motion_is_smooth() -> None:
    yaws = np.array([motion_at(number / 30, 2).yaw_deg for number in range(900)])
    assert np.abs(np.diff(yaws)).max() < 3
