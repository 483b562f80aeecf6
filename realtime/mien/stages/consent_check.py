"""Whether a face may be used, asked while frames pass: is it still allowed; used as one's own, is it theirs?"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.consent.face_library import FaceLibrary, KeptFace, LibraryError
from mien.consent.terms import ConsentError
from mien.pipeline.frame import Frame
from mien.tracking.recognition import Look, LooksAside, pause_ns
from mien_models.errors import MienError
from mien_models.types import BgrU8, Face

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


_LOG = logging.getLogger(__name__)
_SAME: Final = 0.3
"""Cosine of two ArcFace vectors from which on they are taken for one person; 0.28 to 0.4 are in use elsewhere."""
_OTHER: Final = 0.12
"""Below it they are taken for two: vectors of strangers lie around zero."""
_LOOKS: Final = 5
_APART_NS: Final = 700_000_000
_LEAST_PX: Final = 60


class OwnerCheck:
    """Looks at the user a few times, beside the run. Has state: what was seen.

    Says once how it ended; where every look shows somebody else, the run has to end. A look that fails says nothing
    about anybody: it is tried again, later and later.
    """

    def __init__(self, name: str, own: NDArray[np.float32], look: Look) -> None:
        """Take the face's name, its vector, and what makes the vector of a user."""
        self._name, self._own = name, own
        self._aside = LooksAside(look, f"whether the camera shows the person of {name!r}")
        self._seen: list[float] = []
        self._failures = 0
        self._looked_ns = self._next_ns = 0
        self._is_done = False
        self._refusal: str | None = None

    @property
    def looking(self) -> threading.Thread | None:
        """Where the newest look is, or was; None before the first."""
        return self._aside.thread

    def check(self, image_bgr: BgrU8, face: Face | None, captured_ns: int) -> None:
        """Look when it is due; a look takes as long as the network and is waited for by nobody.

        Args:
            image_bgr: the frame.
            face: the one to be looked at; None where no face is swapped.
            captured_ns: the frame's time.

        Raises:
            ConsentError: it is somebody else, and was since a frame before.
        """
        if self._refusal is not None:
            raise ConsentError(self._refusal)
        if self._is_done:
            return
        self._take_in()
        self._is_done = self._is_settled()
        may_look = not self._is_done and not self._aside.is_busy and captured_ns >= self._next_ns
        if may_look and face is not None and face.width_px >= _LEAST_PX:
            self._looked_ns, self._next_ns = captured_ns, captured_ns + _APART_NS
            self._aside.begin(image_bgr.copy(), face)

    def _take_in(self) -> None:
        done = self._aside.take()
        if done is None:
            return
        if done.vector is None:
            self._failures += 1
            self._next_ns = self._looked_ns + max(_APART_NS, pause_ns(self._failures))
        else:
            self._failures = 0
            self._seen.append(float(np.dot(self._own, done.vector)))

    def _is_settled(self) -> bool:
        """Say how it ended, where it has ended."""
        if self._seen and max(self._seen) >= _SAME:
            _LOG.info("The camera shows the person of %r.", self._name)
            return True
        if len(self._seen) < _LOOKS:
            return False
        if max(self._seen) < _OTHER:
            self._refusal = (
                f"{self._name!r} is used as your own face, but the camera shows somebody else. Who sits "
                "there needs a face of their own, or one that was granted."
            )
            raise ConsentError(self._refusal)
        _LOG.warning("It could not be told whether the camera shows the person of %r.", self._name)
        return True


class ConsentStage:
    """Lets frames through untouched as long as every source face may be used."""

    name = "consent_check"

    def __init__(self, permits: Permits) -> None:
        """Take what watches over the faces."""
        self._permits = permits

    def __call__(self, frame: Frame) -> Frame:
        """Check about once a second.

        Raises:
            ConsentError: a face was removed, its terms changed, or its time ran out.
        """
        self._permits.check()
        return frame


class OwnerCheckStage:
    """Lets frames through untouched unless the user is clearly somebody else. Has state: what looks."""

    name = "owner_check"

    def __init__(self, check: OwnerCheck | None) -> None:
        """Take what looks; None where no face is used as the user's own."""
        self._check = check

    def hold(self, check: OwnerCheck | None) -> None:
        """Take another, because another face is used from now on; any thread may."""
        self._check = check

    def __call__(self, frame: Frame) -> Frame:
        """Look at the largest face that is swapped.

        Raises:
            ConsentError: it is somebody else's, and every frame after that.
        """
        check = self._check
        if check is not None:
            face = max(frame.chosen, key=lambda one: one.width_px, default=None)
            check.check(frame.image, face, frame.captured_ns)
        return frame
