"""The microphones of this computer, as `mien devices` lists them; also the program that lists them.

PortAudio asks drivers that may take long or end the process, and an open stream is lost when it looks for new devices:
neither may happen to the panel.
"""

import asyncio
import sys
import time
from typing import Final

from mien.panel.aside import ANSWER, FAULT, answer_of
from mien_models.errors import MienError
from mien_models.system.crash.child import answer

_LONGEST_S: Final = 20.0
_FRESH_S: Final = 10.0


class Microphones:
    """Finds microphones. Has state: those that were found last, and when."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._looked_s = float("-inf")
        self.names: tuple[str, ...] = ()
        """Each as the setting `microphone` takes it."""
        self.trouble = ""
        """Why they cannot be listed, in a sentence."""

    async def look(self) -> None:
        """Look which are plugged in, unless that was done a moment ago."""
        async with self._one_at_a_time:
            if time.monotonic() - self._looked_s < _FRESH_S:
                return
            try:
                found = await answer_of("mien.panel.microphones", seconds=_LONGEST_S)
                self.names, self.trouble = tuple(map(str, found["names"])), ""
            except MienError as error:
                self.trouble = str(error)
            self._looked_s = time.monotonic()


def names() -> dict[str, object]:
    """List the microphones by name.

    Raises:
        SoundError: PortAudio is not installed or fails.
    """
    from mien.sound.devices import microphones

    return {"names": list(dict.fromkeys(one.name for one in microphones()))}


if __name__ == "__main__":
    sys.stdout.write(ANSWER + answer(names, fault=FAULT, doing="The microphones could not be listed"))
