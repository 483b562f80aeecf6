"""In a film every frame with a face has one chosen: over cuts, in every size and place, from its first frame on."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tests.realtime.tracking.film import FRAME_NS, Head, room, stranger

from mien.config.choices import ChooseMode
from mien.pipeline.frame import Frame
from mien.stages.track import ForeseeStage, TrackStage
from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.photo import find_faces
from mien.tracking.selection import ForesightedOne, make_chooser, width_of
from mien.tracking.settings import TrackerSettings
from mien.tracking.tracker import Tracker
from mien_models.types import BgrU8, Face

Shot = Sequence[BgrU8]


@pytest.fixture(scope="module")
def heads(networks: FaceNetworks, source_photo: BgrU8, portrait_face: Face) -> tuple[Head, Head]:
    return Head(source_photo, portrait_face), stranger(networks)


@pytest.fixture
def stage(networks: FaceNetworks) -> ForeseeStage:
    return ForeseeStage(Tracker(networks, TrackerSettings.for_files(all_faces=False)), ForesightedOne(width_of))


def played(stage: ForeseeStage, *shots: Shot) -> list[Frame]:
    film = [picture for shot in shots for picture in shot]
    done: list[Frame] = []
    for index, picture in enumerate(film):
        done += stage.take(Frame(picture, index, index * FRAME_NS))
    done += stage.rest()
    assert [frame.index for frame in done] == list(range(len(film)))
    return done


def standing(head: Head, seed: int, at: tuple[float, float], width_px: float, frames: int = 4) -> Shot:
    """A shot of somebody who breathes."""
    return [head.onto(room(seed), (at[0] + step, at[1]), width_px) for step in range(frames)]


WHITE: Shot = [np.full((360, 640, 3), 255, np.uint8)] * 2
Cut = Callable[[Head, Head], list[Shot]]
CUTS: dict[str, Cut] = {
    "somebody else in the same place": lambda a, b: [standing(a, 1, (320, 180), 120), standing(b, 2, (320, 180), 120)],
    "the same one elsewhere": lambda a, _: [standing(a, 1, (160, 200), 150), standing(a, 2, (480, 120), 60)],
    "every third frame": lambda a, b: [standing((a, b)[n % 2], n % 3, (320, 180), 110, 3) for n in range(6)],
    "nobody first": lambda a, _: [[], standing(a, 2, (450, 150), 70)],
    "a flash": lambda a, _: [standing(a, 1, (320, 180), 120), [], standing(a, 1, (324, 180), 120)],
    "a small face": lambda a, b: [standing(a, 1, (320, 180), 160), standing(b, 2, (90, 300), 40)],
}
"""Shots of somebody; an empty one is played white."""


@pytest.mark.parametrize("kind", CUTS)
def test_a_cut_leaves_no_frame_without_a_chosen_face(stage: ForeseeStage, heads: tuple[Head, Head], kind: str) -> None:
    shots = CUTS[kind](*heads)
    done = played(stage, *(shot or WHITE for shot in shots))
    assert [len(frame.chosen) for frame in done] == [int(bool(shot)) for shot in shots for _ in shot or WHITE]


@pytest.mark.parametrize("who", ["a stranger", "somebody alike"])
def test_somebody_else_in_the_same_place_is_another_face(
    stage: ForeseeStage,
    networks: FaceNetworks,
    source_photo: BgrU8,
    heads: tuple[Head, Head],
    who: str,
) -> None:
    one, other = heads
    if who == "somebody alike":
        mirrored = np.ascontiguousarray(source_photo[:, ::-1])
        other = Head(mirrored, find_faces(mirrored, networks)[0])
    done = played(stage, standing(one, 1, (320, 180), 120), standing(other, 2, (320, 180), 120))
    assert {frame.chosen[0].id for frame in done[:4]}.isdisjoint(frame.chosen[0].id for frame in done[4:])


def test_a_face_keeps_its_name_over_a_flash(stage: ForeseeStage, heads: tuple[Head, Head]) -> None:
    one, _ = heads
    done = played(stage, standing(one, 1, (320, 180), 120), WHITE, standing(one, 1, (324, 180), 120))
    assert len({frame.chosen[0].id for frame in done if frame.chosen}) == 1


def test_a_live_run_swaps_again_in_the_frame_after_the_cut(
    networks: FaceNetworks,
    heads: tuple[Head, Head],
) -> None:
    live = TrackStage(Tracker(networks), make_chooser(ChooseMode.LARGEST))
    film = [*standing(heads[0], 1, (200, 180), 120), *standing(heads[1], 2, (460, 180), 100)]
    chosen = [bool(live(Frame(picture, n, n * FRAME_NS)).chosen) for n, picture in enumerate(film)]
    assert chosen.count(False) <= 1


def test_pictures_are_held_only_up_to_some_memory(
    stage: ForeseeStage, heads: tuple[Head, Head], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.stages.track._MOST_BYTES", 3 * room(1).nbytes)
    one, other = heads
    both = [other.onto(one.onto(room(1), (160, 180), 120), (480, 180), 80)] * 2
    alone = [other.onto(room(1), (480, 180), 80)] * 12
    held = 0
    for index, picture in enumerate([*both, *alone]):
        held += 1 - len(stage.take(Frame(picture, index, index * FRAME_NS)))
        assert held <= 3
