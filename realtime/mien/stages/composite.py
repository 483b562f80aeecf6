"""Compose: puts every swapped face into its place in the frame, in 8 bits and inside its surroundings only."""

from dataclasses import replace

from mien.media.frame_pool import FramePool
from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien.stages.blending import Paster


class CompositeStage:
    """Blends crops over a copy of the frame; where every alpha is 0 and nothing is bent, it is bit-identical.

    Keeps the memory that it works in.
    """

    name = "compose"

    def __init__(self) -> None:
        """Begin without any memory."""
        self._pool = FramePool()
        self._paster = Paster()

    def __call__(self, packet: Frame) -> Frame:
        """Fill `composed`; a packet without a swapped face passes as it is."""
        if not packet.swapped:
            return packet
        composed = self._pool.copy(packet.image)
        for swapped in packet.swapped:
            self._paster.apply(composed, swapped)
        return replace(packet, composed=SwappedPicture(composed))
