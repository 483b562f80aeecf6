"""Whether the person in front of the camera is the one whose face is lent as their own."""

import logging
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.faces.terms import ConsentError
from mien_models.arrays import BgrU8
from mien_models.crash.edge import edge
from mien_models.faces import Face

_LOG = logging.getLogger(__name__)
_SAME: Final = 0.3
"""Cosine of two ArcFace vectors from which on they are taken for one person; 0.28 to 0.4 are in use elsewhere."""
_OTHER: Final = 0.12
"""Below it they are taken for two: vectors of strangers lie around zero."""
_LOOKS: Final = 5
_APART_NS: Final = 700_000_000
_LEAST_PX: Final = 60

Look = Callable[[BgrU8, Face], NDArray[np.float32]]
"""Gives the vector of length 1 of a face in a picture."""


class SelfCheck:
    """Looks at the wearer a few times, beside the run. Has state: what was seen.

    Says once how it ended; where every look shows somebody else, the run has to end.
    """

    def __init__(self, name: str, own: NDArray[np.float32], look: Look) -> None:
        """Take the face's name, its vector, and what makes the vector of a wearer."""
        self._name, self._own, self._look = name, own, look
        self._seen: list[float] = []
        self._next_ns = 0
        self.looking: threading.Thread | None = None
        self._is_done = False

    def check(self, image_bgr: BgrU8, face: Face, captured_ns: int) -> None:
        """Look when it is due; a look takes as long as the network and is waited for by nobody.

        Raises:
            ConsentError: it is somebody else.
        """
        if self._is_done or (self.looking is not None and self.looking.is_alive()):
            return
        if self._judge() or captured_ns < self._next_ns or face.width_px < _LEAST_PX:
            return
        self._next_ns = captured_ns + _APART_NS
        picture_bgr = image_bgr.copy()
        self.looking = threading.Thread(target=self._see, args=(picture_bgr, face), name="mien-self-check", daemon=True)
        self.looking.start()

    def _see(self, picture_bgr: BgrU8, face: Face) -> None:
        with edge("A look at who wears the face failed", lambda error: _LOG.warning("%s", error)):
            self._seen.append(float(np.dot(self._own, self._look(picture_bgr, face))))

    def _judge(self) -> bool:
        if self._seen and max(self._seen) >= _SAME:
            _LOG.info("The camera shows the person of %r.", self._name)
            self._is_done = True
        elif len(self._seen) >= _LOOKS:
            if max(self._seen) < _OTHER:
                raise ConsentError(
                    f"{self._name!r} is in the library as your own face, but the camera shows somebody else. Who sits "
                    "there needs a face of their own, or one that was granted."
                )
            _LOG.warning("It could not be told whether the camera shows the person of %r.", self._name)
            self._is_done = True
        return self._is_done
