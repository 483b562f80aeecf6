"""Behind the finder, where a face is used as the wearer's own: is it theirs?"""

from mien.consent.owner_check import OwnerCheck
from mien.consent.permits import Permits
from mien.pipeline.frame import Frame


class ConsentStage:
    """Lets frames through untouched as long as every source face may be used."""

    name = "permit"

    def __init__(self, permits: Permits) -> None:
        """Take what watches over the faces."""
        self._permits = permits

    def __call__(self, packet: Frame) -> Frame:
        """Check about once a second.

        Raises:
            ConsentError: a face was removed, its terms changed, or its time ran out.
        """
        self._permits.check()
        return packet


class OwnerCheckStage:
    """Lets frames through untouched unless the wearer is clearly somebody else. Has state: what looks."""

    name = "self-check"

    def __init__(self, check: OwnerCheck | None) -> None:
        """Take what looks; None where no face is lent as the wearer's own."""
        self._check = check

    def hold(self, check: OwnerCheck | None) -> None:
        """Take another, because another face is worn from now on; any thread may."""
        self._check = check

    def __call__(self, packet: Frame) -> Frame:
        """Look at the largest face that is swapped.

        Raises:
            ConsentError: it is somebody else's, and every frame after that.
        """
        check = self._check
        if check is not None:
            face = max(packet.chosen, key=lambda one: one.width_px, default=None)
            check.check(packet.image, face, packet.captured_ns)
        return packet
