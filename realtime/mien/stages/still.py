"""Find the faces of a picture that stands still."""

from dataclasses import replace

from mien.follow.choose import Chooser
from mien.follow.networks import FaceNetworks
from mien.follow.still import find_faces
from mien.packet import FramePacket


class StillStage:
    """Looks at one picture as hard as it can, where following has many frames to find a small or turned face."""

    name = "follow"

    def __init__(self, networks: FaceNetworks, chooser: Chooser) -> None:
        self._networks = networks
        self._chooser = chooser

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Find the faces and choose among them."""
        faces = find_faces(packet.image, self._networks)
        choice = self._chooser(packet.image, faces, packet.captured_ns)
        return replace(packet, faces=faces, chosen=choice.faces, roles=choice.roles)
