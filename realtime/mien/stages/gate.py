"""The first stage of a file's way: intimate pictures go no further."""

from mien.content.gate import ContentGate
from mien.packet import FramePacket


class GateStage:
    """Lets frames through untouched until the content gate refuses the film, and none after that."""

    name = "gate"

    def __init__(self, gate: ContentGate) -> None:
        """Take the gate of this film."""
        self._gate = gate

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Look at the frame when it is due.

        Raises:
            ContentError: the film is intimate.
        """
        self._gate.check(packet.image, packet.captured_ns)
        return packet
