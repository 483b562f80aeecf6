"""Who is who: faces are looked at beside the frames, and each person gets the face that was said for them."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.tracking.selection import Choice
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


SAME_PERSON: Final = 0.35
"""Cosine of two identity vectors from which they show one person.

ArcFace's w600k puts two photos of one person above 0.4 nearly always, and of two people below 0.25.
"""
CHECK_EVERY_NS: Final = 1_000_000_000
"""A face that is known is looked at again after this long."""
KEPT: Final = 0.5
"""Part of the earlier looks that stays when a face is looked at again: one blurred look does not change a person."""
KNOWN_FOR_NS: Final = 20_000_000_000
"""After so long without a look that succeeded nobody knows any more who it is: ids can change places."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who may be in front of the camera."""

    name: str
    vector: NDArray[np.float32]
    """(n,) of their reference photo, of length 1."""
    role: int | None
    """Which of the source faces they get; None leaves them as they are."""


@dataclass(slots=True, eq=False)
class _Seen:
    """What is known of one followed face; times are those of frames."""

    likeness: NDArray[np.float64] | None = None
    """(people,) cosine with each of them; None until the first look is back."""
    known_ns: int = 0
    """When the look began that last succeeded."""
    looked_ns: int = 0
    due_ns: int | None = None
    """When it is looked at next; None: at once, it is new."""
    failures: int = 0
    """How many looks in a row have failed."""

    def is_known(self, now_ns: int) -> bool:
        """Whether there is an answer that still counts."""
        return self.likeness is not None and now_ns - self.known_ns <= KNOWN_FOR_NS

    def is_due(self, now_ns: int) -> bool:
        """Whether it is to be looked at; a film that begins again makes it due."""
        return self.due_ns is None or not self.looked_ns <= now_ns < self.due_ns

    def looked(self, now_ns: int) -> None:
        """A look begins."""
        self.looked_ns, self.due_ns = now_ns, now_ns + CHECK_EVERY_NS

    def learn(self, likeness: NDArray[np.float64]) -> None:
        """The look has succeeded."""
        before = self.likeness
        self.likeness = likeness if before is None else KEPT * before + (1 - KEPT) * likeness
        self.known_ns, self.failures = self.looked_ns, 0

    def fail(self) -> None:
        """The look has failed: the next one waits longer, the longer the more have failed."""
        self.failures += 1
        self.due_ns = self.looked_ns + pause_ns(self.failures)


class PeopleChooser:
    """Looks at each new or re-found face, and again about once a second, beside the frames.

    Until a new face has been looked at, nobody is chosen: the frame goes out as one that is not sure, for it could show
    a face that should be covered. The same where no look has succeeded for `KNOWN_FOR_NS`: looks that fail hide the
    picture, they do not end the run. Keeps how alike each followed face is to each person.
    """

    def __init__(self, people: Sequence[Person], look: Look, *, waits: bool) -> None:
        """Take the people; `waits` looks at once and in the caller's thread, for files."""
        self._people, self._look, self._waits = tuple(people), look, waits
        self._aside = LooksAside(look, "who is in front of the camera")
        self._seen: dict[int, _Seen] = {}
        self._shot = 0

    def __call__(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int, *, shot: int = 0) -> Choice:
        """Choose those who get a face, when everybody in the frame is known; after a cut nobody is.

        Raises:
            Exception: whatever a look raised, where they are waited for; beside a run none does.
        """
        if shot != self._shot:
            self._seen, self._shot = {}, shot
        here = {face.id: face for face in faces}
        self._seen = {face_id: self._seen.get(face_id, _Seen()) for face_id in here}
        if self._waits:
            self._attend(image_bgr, faces, captured_ns)
        else:
            self._attend_aside(image_bgr, faces, captured_ns)
        if not all(seen.is_known(captured_ns) for seen in self._seen.values()):
            return Choice()
        found = self._who_is_who()
        roles = {face_id: self._people[person].role for face_id, person in found.items()}
        chosen = [(here[face_id], role) for face_id, role in roles.items() if role is not None]
        return Choice(tuple(face for face, _ in chosen), tuple(role for _, role in chosen))

    def _attend(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int) -> None:
        """Look at every face that is due, and wait for it."""
        for face in faces:
            seen = self._seen[face.id]
            if seen.is_due(captured_ns):
                seen.looked(captured_ns)
                seen.learn(self._likeness(self._look(image_bgr, face)))

    def _attend_aside(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int) -> None:
        """Take in what the look under way has found, and begin with the face that has waited longest."""
        done = self._aside.take()
        seen = None if done is None else self._seen.get(done.face_id)
        if done is not None and seen is not None and seen.due_ns is not None:
            if done.vector is None:
                seen.fail()
            else:
                seen.learn(self._likeness(done.vector))
        due = [face for face in faces if self._seen[face.id].is_due(captured_ns)]
        if due and not self._aside.is_busy:
            face = min(due, key=lambda one: self._seen[one.id].due_ns or 0)
            self._seen[face.id].looked(captured_ns)
            self._aside.begin(image_bgr, face)

    def _likeness(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.array([float((vector * person.vector).sum()) for person in self._people])

    def _who_is_who(self) -> dict[int, int]:
        """Match faces and people, the surest pair first; nobody is in two places."""
        pairs = sorted(
            (
                (float(likeness), face_id, person)
                for face_id, seen in self._seen.items()
                if seen.likeness is not None
                for person, likeness in enumerate(seen.likeness)
                if likeness >= SAME_PERSON
            ),
            reverse=True,
        )
        found: dict[int, int] = {}
        for _, face_id, person in pairs:
            if face_id not in found and person not in found.values():
                found[face_id] = person
        return found
