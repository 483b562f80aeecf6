"""What `--assign` says: one word for everybody, or a list of who gets what."""

from dataclasses import dataclass
from typing import Final

from mien.config.choices import ChooseMode
from mien_models.errors import UsageError

NOTHING: Final = "none"
"""Written in place of a face: this person is left as they are."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person and the face they get."""

    person: str
    """A photo by which they are recognised."""
    face: str | None
    """A photo as `--face` takes it; None leaves them as they are."""


def parse_assignments(text: str) -> ChooseMode | tuple[Assignment, ...]:
    """Read 'largest', 'leftmost', 'all' or 'PERSON=FACE,PERSON=FACE'.

    Raises:
        UsageError: it is neither.
    """
    if "=" not in text:
        try:
            return ChooseMode(text)
        except ValueError:
            words = ", ".join(mode.value for mode in ChooseMode)
            raise UsageError(
                f"--assign should be one of {words}, or PERSON.jpg=FACE.jpg,OTHER.jpg=none; found {text!r}."
            ) from None
    found: list[Assignment] = []
    for part in text.split(","):
        person, separator, face = (piece.strip() for piece in part.partition("="))
        if not (person and separator and face):
            raise UsageError(f"--assign should be a list of PERSON.jpg=FACE.jpg, but one part of it is {part!r}.")
        found.append(Assignment(person, None if face == NOTHING else face))
    if all(assignment.face is None for assignment in found):
        raise UsageError("--assign should give a face to somebody, but everybody in it gets none.")
    return tuple(found)
