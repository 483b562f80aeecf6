"""The follow stage fills in faces and the chosen ones, and leaves the frame it got alone."""

import numpy as np
import pytest

from mien.config.choices import ChooseMode
from mien.pipeline.frame import Frame
from mien.stages.track import TrackStage
from mien.tracking.landmark_fit import default_networks
from mien.tracking.selection import make_chooser
from mien.tracking.tracker import Tracker
from mien_models.types import BgrU8


@pytest.mark.parametrize("mode", list(ChooseMode))
def test_an_empty_room_has_no_faces_and_none_chosen(mode: ChooseMode) -> None:
    stage = TrackStage(Tracker(default_networks()), make_chooser(mode))
    frame = Frame(np.full((120, 160, 3), 90, np.uint8), 3, 1_000)
    followed = stage(frame)
    assert stage.name == "track"
    assert (followed.faces, followed.chosen) == ((), ())
    assert followed.image is frame.image
    assert (followed.index, followed.captured_ns) == (3, 1_000)


def test_whoever_another_camera_shows_is_somebody_else(photo: BgrU8) -> None:
    stage = TrackStage(Tracker(default_networks()), make_chooser(ChooseMode.LARGEST))
    ids, shots = [], []
    for index, source in enumerate((0, 0, 1, 1, 2)):
        followed = stage(Frame(photo, index, index * 33_000_000, source_number=source))
        ids.append(followed.chosen[0].id)
        shots.append(followed.shot)
    assert ids[0] == ids[1] != ids[2] == ids[3] != ids[4] != ids[0]
    assert shots[0] == shots[1] < shots[2] == shots[3] < shots[4]
