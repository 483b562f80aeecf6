"""No real face is seen in a dissolve: both are swapped, where they are followed and where they are not."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from tests.realtime.tracking.film import FRAME_NS, Head, room
from tests.realtime.tracking.test_dissolves import glance_of

from mien.config.choices import ChooseMode
from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien.session.stages import film_stage
from mien.stages.composite import CompositeStage
from mien.stages.dissolve import DissolveStage
from mien.stages.track import ForeseeStage, TrackStage
from mien.tracking.dissolves import Dissolves
from mien.tracking.landmark_fit import default_networks
from mien.tracking.photo import find_faces
from mien_models.types import BgrU8, Face, SwappedFace

BLUE = (255, 0, 0)
LEAD = 12


def mask_of(face: Face) -> SwappedFace:
    """A blue plate in the place of a face."""
    left, top, right, bottom = (round(float(side)) for side in face.box_xyxy)
    crop = np.full((bottom - top, right - left, 3), BLUE, np.uint8)
    return SwappedFace(face.id, crop, np.full(crop.shape[:2], 255, np.uint8), np.array([[1.0, 0, left], [0, 1, top]]))


def mixed(before: BgrU8, after: BgrU8, share: float) -> BgrU8:
    return np.asarray(np.rint(before * (1.0 - share) + after * share), np.uint8)


def swapped_film(film: Sequence[BgrU8], mode: ChooseMode) -> list[Frame]:
    """Follow, swap by plates, compose and dissolve, as `mien swap` does."""
    dissolves, track = Dissolves(), film_stage(default_networks(), mode)
    shares = [*(share for picture in film for share in dissolves.take(glance_of(picture))), *dissolves.rest()]
    assert isinstance(track, (ForeseeStage, TrackStage))
    compose, dissolve = CompositeStage(), DissolveStage()
    tracked: list[Frame] = []
    for index, (picture, share) in enumerate(zip(film, shares, strict=True)):
        frame = Frame(picture, index, index * FRAME_NS, dissolve_share=share)
        tracked += track.take(frame) if isinstance(track, ForeseeStage) else [track(frame)]
    tracked += track.rest() if isinstance(track, ForeseeStage) else []
    swapped = [compose(replace(frame, swapped=tuple(map(mask_of, frame.chosen)))) for frame in tracked]
    done = [after for frame in swapped for after in dissolve.take(frame)] + list(dissolve.rest())
    assert [frame.index for frame in done] == list(range(len(film)))
    return done


def seen(frame: Frame) -> BgrU8:
    return frame.image if frame.composed is None else frame.composed.before_marks()


@pytest.fixture(scope="module")
def shots() -> tuple[BgrU8, BgrU8]:
    """Two heads of which one shines through the other."""
    portrait: BgrU8 = np.ascontiguousarray(np.asarray(astronaut(), np.uint8)[..., ::-1])  # type: ignore[no-untyped-call]
    mirrored: BgrU8 = np.ascontiguousarray(portrait[:, ::-1])
    networks = default_networks()
    one, other = (Head(photo, find_faces(photo, networks)[0]) for photo in (portrait, mirrored))
    return one.onto(room(1), (290, 190), 130), other.onto(room(2), (350, 170), 110)


@pytest.mark.parametrize("length", [8, 15, 30])
@pytest.mark.parametrize("mode", [ChooseMode.LARGEST, ChooseMode.ALL])
def test_both_faces_of_a_dissolve_are_swapped_in_each_of_its_frames(
    shots: tuple[BgrU8, BgrU8], length: int, mode: ChooseMode
) -> None:
    before, after = shots
    between = [mixed(before, after, (n + 1) / (length + 1)) for n in range(length)]
    done = swapped_film([before] * LEAD + between + [after] * LEAD, mode)
    assert all(frame.composed is not None for frame in done)
    first, last = seen(done[LEAD - 1]), seen(done[LEAD + length])
    plates = cv2.inRange(first, BLUE, BLUE) | cv2.inRange(last, BLUE, BLUE)
    for number in range(length):
        wanted = mixed(first, last, (number + 1) / (length + 1))
        far = cv2.absdiff(seen(done[LEAD + number]), wanted).max(axis=2)
        assert np.percentile(far[plates > 0], 95) < 16, number


def flat_frames(count: int, **known: object) -> list[Frame]:
    grey = np.full((48, 64, 3), 128, np.uint8)
    return [Frame(grey, n, n * FRAME_NS, dissolve_share=0.5 if 0 < n < count - 1 else None) for n in range(count)]


def test_a_dissolve_in_which_nobody_is_swapped_stays_as_it_is() -> None:
    stage = DissolveStage()
    frames = flat_frames(5)
    done = [after for frame in frames for after in stage.take(frame)]
    assert done == frames


def test_a_dissolve_that_is_too_large_to_be_held_is_shown_out_of_focus(monkeypatch: pytest.MonkeyPatch) -> None:
    stripes = np.zeros((48, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    frames = [Frame(stripes, n, n * FRAME_NS, dissolve_share=0.5 if n else None) for n in range(6)]
    monkeypatch.setattr("mien.stages.dissolve._MOST_BYTES", 3 * stripes.nbytes)
    stage = DissolveStage()
    begun = replace(frames[0], composed=SwappedPicture(stripes))
    held = 0
    for frame in (begun, *frames[1:]):
        done = stage.take(frame)
        held += 1 - len(done)
        assert held <= 3
        assert all(seen(one).std() < 64 for one in done if one.dissolve_share is not None)
    assert len(stage.rest()) == held
