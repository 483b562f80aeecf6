"""Who is who: followed faces are recognised by reference photos, and each person wears what was said for them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.follow.choose import Choice
from mien_models.arrays import BgrU8
from mien_models.faces import Face

SAME_PERSON: Final = 0.35
"""Cosine of two identity vectors from which they show one person.

ArcFace's w600k puts two photos of one person above 0.4 nearly always, and of two people below 0.25.
"""
CHECK_EVERY_NS: Final = 1_000_000_000
"""A face that is known is looked at again after this long."""
KEPT: Final = 0.5
"""Part of the earlier looks that stays when a face is looked at again: one blurred look does not change a person."""

Look = Callable[[BgrU8, Face], NDArray[np.float32]]
"""Gives the identity vector (n,) of a face in a frame, of length 1, in a tenth of a second; any thread asks."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who may be in front of the camera."""

    name: str
    vector: NDArray[np.float32]
    """(n,) of their reference photo, of length 1."""
    role: int | None
    """Which of the lent faces they wear; None leaves them as they are."""


@dataclass(slots=True, eq=False)
class _Seen:
    """What is known of one followed face."""

    looking: Future[NDArray[np.float32]] | None = None
    likeness: NDArray[np.float64] | None = None
    """(people,) cosine with each of them; None until the first look is back."""
    looked_ns: int = 0


class PeopleChooser:
    """Looks at each new or re-found face, and again about once a second, in threads of their own.

    Until a new face has been looked at, nobody is chosen: the frame goes out as one that is not sure, for it could show
    a face that should be covered. Keeps how alike each followed face is to each person.
    """

    def __init__(self, people: Sequence[Person], look: Look, *, waits: bool) -> None:
        """Take the people; `waits` looks at once and in the caller's thread, for files."""
        self._people, self._look, self._waits = tuple(people), look, waits
        self._seen: dict[int, _Seen] = {}
        self._shot = 0

    def __call__(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int, *, shot: int = 0) -> Choice:
        """Choose those who wear a face, when everybody in the frame is known; after a cut nobody is."""
        if shot != self._shot:
            self._seen, self._shot = {}, shot
        here = {face.id: face for face in faces}
        self._seen = {face_id: seen for face_id, seen in self._seen.items() if face_id in here}
        for face in faces:
            self._attend(image_bgr, face, self._seen.setdefault(face.id, _Seen()), captured_ns)
        if any(seen.likeness is None for seen in self._seen.values()):
            return Choice()
        found = self._who_is_who()
        roles = {face_id: self._people[person].role for face_id, person in found.items()}
        chosen = [(here[face_id], role) for face_id, role in roles.items() if role is not None]
        return Choice(tuple(face for face, _ in chosen), tuple(role for _, role in chosen))

    def _attend(self, image_bgr: BgrU8, face: Face, seen: _Seen, captured_ns: int) -> None:
        """Start to look at a face where that is due, and take in what an earlier look has found."""
        is_due = seen.likeness is None or not 0 <= captured_ns - seen.looked_ns < CHECK_EVERY_NS
        if seen.looking is None and is_due:
            seen.looked_ns = captured_ns
            seen.looking = self._begin(image_bgr, face)
        if seen.looking is not None and seen.looking.done():
            vector, seen.looking = seen.looking.result(), None
            likeness = np.array([float((vector * person.vector).sum()) for person in self._people])
            before = seen.likeness
            seen.likeness = likeness if before is None else KEPT * before + (1 - KEPT) * likeness

    def _begin(self, image_bgr: BgrU8, face: Face) -> Future[NDArray[np.float32]]:
        answer: Future[NDArray[np.float32]] = Future()

        def look() -> None:
            try:
                answer.set_result(self._look(image_bgr, face))
            except Exception as error:  # noqa: BLE001 - raised where the answer is taken
                answer.set_exception(error)

        if self._waits:
            look()
        else:
            threading.Thread(target=look, name="mien-people", daemon=True).start()
        return answer

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
