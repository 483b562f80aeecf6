"""Find the faces of a picture that stands still."""

from dataclasses import replace

from mien.pipeline.frame import Frame
from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.photo import find_faces
from mien.tracking.selection import Chooser
from mien.tracking.tracker import Tracker


class TrackStage:
    """Puts the faces of a frame and those to be swapped into its packet; its tracker and chooser keep state."""

    name = "follow"

    def __init__(self, tracker: Tracker, chooser: Chooser) -> None:
        self._tracker = tracker
        self._chooser = chooser

    def __call__(self, packet: Frame) -> Frame:
        """Find the faces of this frame."""
        faces = self._tracker(packet.image, packet.captured_ns)
        choice = self._chooser(packet.image, faces, packet.captured_ns, shot=self._tracker.shot)
        return replace(packet, faces=faces, chosen=choice.faces, roles=choice.roles)


class PhotoTrackStage:
    """Looks at one picture as hard as it can, where following has many frames to find a small or turned face."""

    name = "follow"

    def __init__(self, networks: FaceNetworks, chooser: Chooser) -> None:
        self._networks = networks
        self._chooser = chooser

    def __call__(self, packet: Frame) -> Frame:
        """Find the faces and choose among them."""
        faces = find_faces(packet.image, self._networks)
        choice = self._chooser(packet.image, faces, packet.captured_ns)
        return replace(packet, faces=faces, chosen=choice.faces, roles=choice.roles)
