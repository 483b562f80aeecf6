"""Looks at faces beside the frames: one at a time, in a thread of its own, and again where one has failed."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import MienError
from mien_models.types import BgrU8, Face

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_NS: Final = 250_000_000
_LONGEST_PAUSE_NS: Final = 8_000_000_000

Look = Callable[[BgrU8, Face], NDArray[np.float32]]
"""Gives the identity vector (n,) of a face in a frame, of length 1, in a tenth of a second; any thread asks."""


def pause_ns(failures: int) -> int:
    """Say how long to wait after so many failures in a row, at least one: each time twice as long, up to 8 s."""
    return min(_FIRST_PAUSE_NS << min(failures - 1, 16), _LONGEST_PAUSE_NS)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """How a look has ended."""

    face_id: int
    vector: NDArray[np.float32] | None
    """What the look gave; None where it failed."""


class LooksAside:
    """Looks at one face at a time; has state: the look under way, and whether the last one failed.

    A look that fails is said once, until one succeeds. Neither its error nor its frame is kept: both would hold
    pictures in memory for as long as the face is there.
    """

    def __init__(self, look: Look, purpose: str) -> None:
        """Take what looks, and what for: 'who is in front of the camera'."""
        self._look, self._purpose = look, purpose
        self._done: Looked | None = None
        self._is_failing = False
        self.thread: threading.Thread | None = None
        """Where the newest look is, or was."""

    @property
    def is_busy(self) -> bool:
        """Whether a look is under way, or its answer was not taken yet."""
        return self._done is not None or (self.thread is not None and self.thread.is_alive())

    def begin(self, image_bgr: BgrU8, face: Face) -> None:
        """Begin to look; nobody writes into the picture any more. Only while `is_busy` is False."""
        self.thread = threading.Thread(target=self._run, args=(image_bgr, face), name="mien-look", daemon=True)
        self.thread.start()

    def take(self) -> Looked | None:
        """Give how the look has ended, once; None while there is nothing new."""
        if self.thread is None or self.thread.is_alive():
            return None
        done, self._done = self._done, None
        return done

    def _run(self, image_bgr: BgrU8, face: Face) -> None:
        try:
            vector = self._look(image_bgr, face)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: a look may fail, it is tried again
            self._done = Looked(face.id, None)
            self._say_failure(error)
        else:
            self._done = Looked(face.id, vector)
            if self._is_failing:
                self._is_failing = False
                _LOG.info("It can be told again %s.", self._purpose)

    def _say_failure(self, error: Exception) -> None:
        _LOG.debug("A look failed.", exc_info=True)
        if not self._is_failing:
            self._is_failing = True
            said = str(error) if isinstance(error, MienError) else f"{error!r}."
            _LOG.warning("It cannot be told now %s; it is tried again. %s", self._purpose, said)
