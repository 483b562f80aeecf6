"""Behind the finder, where a face is lent as the wearer's own: is it theirs?"""

from mien.faces.self_check import SelfCheck
from mien.packet import FramePacket


class SelfCheckStage:
    """Lets frames through untouched unless the wearer is clearly somebody else."""

    name = "self-check"

    def __init__(self, check: SelfCheck) -> None:
        """Take what looks."""
        self._check = check

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Look at the largest face that is swapped.

        Raises:
            ConsentError: it is somebody else's.
        """
        if packet.chosen:
            face = max(packet.chosen, key=lambda one: one.width_px)
            self._check.check(packet.image, face, packet.captured_ns)
        return packet
