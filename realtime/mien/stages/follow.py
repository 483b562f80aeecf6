"""Follow faces and choose those that are swapped."""

from dataclasses import replace

from mien.follow.choose import Chooser
from mien.follow.follower import Follower
from mien.packet import FramePacket


class FollowStage:
    """Puts the faces of a frame and those to be swapped into its packet; its follower and chooser keep state."""

    name = "follow"

    def __init__(self, follower: Follower, chooser: Chooser) -> None:
        self._follower = follower
        self._chooser = chooser

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Find the faces of this frame."""
        faces = self._follower(packet.image, packet.captured_ns)
        choice = self._chooser(packet.image, faces, packet.captured_ns, shot=self._follower.shot)
        return replace(packet, faces=faces, chosen=choice.faces, roles=choice.roles)
