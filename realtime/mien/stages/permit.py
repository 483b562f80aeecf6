"""The first stage where a face of the library is worn: what may no longer be worn goes no further."""

from mien.faces.permits import Permits
from mien.packet import FramePacket


class PermitStage:
    """Lets frames through untouched as long as every worn face may be worn."""

    name = "permit"

    def __init__(self, permits: Permits) -> None:
        """Take what watches over the faces."""
        self._permits = permits

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Check about once a second.

        Raises:
            ConsentError: a face was removed, its terms changed, or its time ran out.
        """
        self._permits.check()
        return packet
