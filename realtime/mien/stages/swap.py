"""The stage that swaps every chosen face."""

import dataclasses
from collections.abc import Sequence

from mien.pipeline.frame import Frame
from mien_models.interfaces import Swapper
from mien_models.types import Face, SwappedFace


class SwapStage:
    """Puts a source face in the place of each chosen face; remembers which faces its swappers know."""

    name = "swap"

    def __init__(self, swappers: Sequence[Swapper]) -> None:
        """Take a swapper for each role, already prepared for its source face."""
        self._swappers = tuple(swappers)
        self._known: frozenset[int] = frozenset()

    def __call__(self, frame: Frame) -> Frame:
        """Swap all of `frame.chosen`; what is kept of a face that is no longer followed is dropped."""
        chosen = frozenset(face.id for face in frame.chosen)
        followed = frozenset(face.id for face in frame.faces)
        for face_id in self._known - followed - chosen:
            for swapper in self._swappers:
                swapper.forget(face_id)
        self._known = (self._known & followed) | chosen
        roles = frame.roles or (0,) * len(frame.chosen)
        swapped = tuple(self._swap(frame, face, role) for face, role in zip(frame.chosen, roles, strict=True))
        return dataclasses.replace(frame, swapped=swapped)

    def _swap(self, frame: Frame, face: Face, role: int) -> SwappedFace:
        return self._swappers[role].swap(frame.image, face, captured_ns=frame.captured_ns)
