"""The stage that swaps every chosen face."""

import dataclasses

from mien.packet import FramePacket
from mien_models.contracts import Swapper


class SwapStage:
    """Puts the source face in the place of each chosen face; remembers which faces the swapper knows."""

    name = "swap"

    def __init__(self, swapper: Swapper) -> None:
        """Take the swapper, already prepared for its source face."""
        self._swapper = swapper
        self._known: frozenset[int] = frozenset()

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Swap all of `packet.chosen`; what the swapper kept of a face that is no longer followed is dropped."""
        chosen = frozenset(face.id for face in packet.chosen)
        followed = frozenset(face.id for face in packet.faces)
        for face_id in self._known - followed - chosen:
            self._swapper.forget(face_id)
        self._known = (self._known & followed) | chosen
        swapped = tuple(
            self._swapper.swap(packet.image, face, captured_ns=packet.captured_ns) for face in packet.chosen
        )
        return dataclasses.replace(packet, swapped=swapped)
