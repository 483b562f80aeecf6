"""Whether the person in front of the camera is the one whose face is used as their own."""

import logging
import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.consent.terms import ConsentError
from mien.tracking.recognition import Look, LooksAside, pause_ns
from mien_models.types import BgrU8, Face

_LOG = logging.getLogger(__name__)
_SAME: Final = 0.3
"""Cosine of two ArcFace vectors from which on they are taken for one person; 0.28 to 0.4 are in use elsewhere."""
_OTHER: Final = 0.12
"""Below it they are taken for two: vectors of strangers lie around zero."""
_LOOKS: Final = 5
_APART_NS: Final = 700_000_000
_LEAST_PX: Final = 60


class OwnerCheck:
    """Looks at the wearer a few times, beside the run. Has state: what was seen.

    Says once how it ended; where every look shows somebody else, the run has to end. A look that fails says nothing
    about anybody: it is tried again, later and later.
    """

    def __init__(self, name: str, own: NDArray[np.float32], look: Look) -> None:
        """Take the face's name, its vector, and what makes the vector of a wearer."""
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
                f"{self._name!r} is in the library as your own face, but the camera shows somebody else. Who sits "
                "there needs a face of their own, or one that was granted."
            )
            raise ConsentError(self._refusal)
        _LOG.warning("It could not be told whether the camera shows the person of %r.", self._name)
        return True
