"""What watches over the faces of the library that a run wears."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mien.faces.library import FaceLibrary, KeptFace
from mien.faces.terms import ConsentError

_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to wear one face."""

    library: FaceLibrary
    face: KeptFace

    def check(self) -> None:
        """Refuse what has run out or was withdrawn.

        Raises:
            ConsentError: in one sentence.
        """
        self.library.check(self.face)


class Permits:
    """The rights that count now. Has state: which they are, and when they were looked at."""

    def __init__(self, permits: Sequence[Permit]) -> None:
        self._permits = tuple(permits)
        self._next_s = 0.0
        self._ended: ConsentError | None = None

    def hold(self, permits: Sequence[Permit]) -> None:
        """Take others, because other faces are worn from now on; any thread may."""
        self._permits = tuple(permits)
        self._next_s = 0.0
        self._ended = None

    def check(self) -> None:
        """Look at each about once a second; call it for every frame. What has ended stays ended until others are held.

        Raises:
            ConsentError: one of them ended.
        """
        if self._ended is not None:
            raise self._ended
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        try:
            for permit in self._permits:
                permit.check()
        except ConsentError as error:
            self._ended = error
            raise
