"""The follow stage fills in faces and the chosen ones, and leaves the packet it got alone."""

import numpy as np
import pytest

from mien.follow.choose import ChooseMode, make_chooser
from mien.follow.follower import default_follower
from mien.packet import FramePacket
from mien.stages.follow import FollowStage


@pytest.mark.parametrize("mode", list(ChooseMode))
def test_an_empty_room_has_no_faces_and_none_chosen(mode: ChooseMode) -> None:
    stage = FollowStage(default_follower(), make_chooser(mode))
    packet = FramePacket(np.full((120, 160, 3), 90, np.uint8), 3, 1_000)
    followed = stage(packet)
    assert stage.name == "follow"
    assert (followed.faces, followed.chosen) == ((), ())
    assert followed.image is packet.image
    assert (followed.index, followed.captured_ns) == (3, 1_000)
