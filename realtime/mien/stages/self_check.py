"""Behind the finder, where a face is lent as the wearer's own: is it theirs?"""

from mien.faces.self_check import SelfCheck
from mien.packet import FramePacket


class SelfCheckStage:
    """Lets frames through untouched unless the wearer is clearly somebody else. Has state: what looks."""

    name = "self-check"

    def __init__(self, check: SelfCheck | None) -> None:
        """Take what looks; None where no face is lent as the wearer's own."""
        self._check = check

    def hold(self, check: SelfCheck | None) -> None:
        """Take another, because another face is worn from now on; any thread may."""
        self._check = check

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Look at the largest face that is swapped.

        Raises:
            ConsentError: it is somebody else's, and every frame after that.
        """
        check = self._check
        if check is not None:
            face = max(packet.chosen, key=lambda one: one.width_px, default=None)
            check.check(packet.image, face, packet.captured_ns)
        return packet
