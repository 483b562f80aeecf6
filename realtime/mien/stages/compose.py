"""Compose: puts every swapped face into its place in the frame, in 8 bits and inside its surroundings only."""

from dataclasses import replace

from mien.packet import FramePacket
from mien.pasting import wear


class ComposeStage:
    """Blends crops over a fresh copy of the frame; where every alpha is 0 and nothing is bent, it is bit-identical."""

    name = "compose"

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Fill `composed`; a packet without a swapped face passes as it is."""
        if not packet.swapped:
            return packet
        composed = packet.image.copy()
        for swapped in packet.swapped:
            wear(composed, swapped)
        return replace(packet, composed=composed)
