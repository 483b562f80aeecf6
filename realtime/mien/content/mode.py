"""What the content gate looks at."""

from enum import StrEnum
from typing import Final

GATE_OFF_WARNING: Final = (
    "The content gate is off for this run only, and the local log says so. Intimate pictures of a person who did not "
    "agree to them are a crime in most countries."
)


class GateMode(StrEnum):
    """What the content gate looks at."""

    FILES = "files"
    """Files that are swapped or played as a camera."""
    ALWAYS = "always"
    """Live cameras too."""
    OFF = "off"
    """Nothing in this run; this can be asked for by a flag, and is kept nowhere."""

    def covers(self, *, is_file: bool) -> bool:
        """Whether an input is looked at."""
        return self is GateMode.ALWAYS or (self is GateMode.FILES and is_file)
