"""What watches over the faces of the library that a run uses."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mien.consent.face_library import FaceLibrary, KeptFace, LibraryError
from mien.consent.terms import ConsentError
from mien_models.errors import MienError

_EVERY_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to use one face."""

    library: FaceLibrary
    face: KeptFace

    def check(self) -> None:
        """Refuse what has run out or was withdrawn.

        Raises:
            ConsentError: in one sentence.
            LibraryError: it cannot be read now.
        """
        self.library.check(self.face)


class Permits:
    """The rights that count now. Has state: those, in one object with what was found of them.

    One thread checks, any may hold others meanwhile. Whoever was looking at the old ones writes into their object, so
    that nothing that is found about a face sticks to the next one.
    """

    def __init__(self, permits: Sequence[Permit], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._held = _Held(tuple(permits))

    def hold(self, permits: Sequence[Permit]) -> None:
        """Take others, because other faces are used from now on; any thread may."""
        self._held = _Held(tuple(permits))

    def check(self) -> None:
        """Look at each about once a second; call it for every frame. What has ended stays ended until others are held.

        Raises:
            ConsentError: one of them ended.
            MienError: one of them cannot be looked at now; that is tried again, and may pass.
        """
        while True:
            held = self._held
            try:
                held.check(self._clock_s())
            except MienError:  # not given a name: an error that its own traceback leads to is let go of late
                if held is self._held:
                    raise
            if held is self._held:
                return


class _Held:
    """Rights that are held together. Has state: when they are looked at next, and what the last look found."""

    def __init__(self, permits: tuple[Permit, ...]) -> None:
        self._permits = permits
        self._next_s: float | None = None
        self._failures = 0
        # The words and not the error: one that is raised again keeps every frame that it went through.
        self._ended: str | None = None
        self._unknown: str | None = None

    def check(self, now_s: float) -> None:
        """Look at them where that is due, and refuse what was found, each time with an error of its own."""
        if self._ended is None and (self._next_s is None or now_s >= self._next_s):
            self._look()
            pause_s = min(_EVERY_S * 2 ** max(self._failures - 1, 0), _LONGEST_PAUSE_S)
            self._next_s = now_s + pause_s
        if self._ended is not None:
            raise ConsentError(self._ended)
        if self._unknown is not None:
            raise LibraryError(self._unknown)

    def _look(self) -> None:
        try:
            for permit in self._permits:
                permit.check()
        except ConsentError as error:
            self._ended = str(error)
        except MienError as error:
            self._unknown, self._failures = str(error), self._failures + 1
        else:
            self._unknown, self._failures = None, 0
