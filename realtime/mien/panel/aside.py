"""Runs the panel's own programs beside the stream: at low priority, with a limit, in a process that may fail.

Two of them are here: `python -m mien.panel.aside microphones` and `python -m mien.panel.aside shot ADDRESS FILE.jpg`.
PortAudio and cameras' drivers may take long or end the process, and an open stream is lost when PortAudio looks for new
devices: neither may happen to the panel.
"""

import asyncio
import json
import os
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

from mien_models.errors import MienError, SourceError
from mien_models.system.crash.child import SENTENCES, answer
from mien_models.system.sentence import revived, sentence

_WIDTH: Final = 320
_SETTLES_S: Final = 0.7
"""A webcam's first pictures are dark: it is still finding the exposure."""
FAULT: Final = "fault"
ANSWER: Final = "\n=== answer ===\n"
"""Stands before the answer: what libraries print comes before it."""


async def answer_of(module: str, *words: str, seconds: float) -> dict[str, Any]:
    """Run `python -m module words` and give its answer.

    Raises:
        MienError: it failed, in its own words, or did not answer in time.
    """
    # -P: nothing is imported from the folder that the user happens to be in.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError as error:
        raise MienError(sentence("No answer came within {seconds} s. Try again.", seconds=round(seconds))) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode("utf-8", "replace").rpartition(ANSWER)[2]
    try:
        loaded: Any = json.loads(text)
    except ValueError as error:
        raise MienError(f"It failed with status {process.returncode}. Try another one.") from error
    if not isinstance(loaded, dict):
        raise MienError("It gave no answer. Try again.")
    answer = cast("dict[str, Any]", loaded)
    told: dict[str, Any] = revived(answer, answer.pop(SENTENCES, {}))
    if FAULT in told:
        raise MienError(str(told[FAULT]))
    return told


def step_back() -> None:
    """Leave the processor to the stream; called by the program itself."""
    if hasattr(os, "nice"):
        os.nice(4)


def _microphones() -> dict[str, object]:
    """List the microphones by name.

    Raises:
        SoundError: PortAudio is not installed or fails.
    """
    from mien.sound.devices import microphones

    return {"names": list(dict.fromkeys(one.name for one in microphones()))}


def _shot(address: str, file: Path) -> dict[str, object]:
    """Write what the camera shows now.

    Raises:
        SourceError: it cannot be opened or gives nothing.
    """
    import cv2

    from mien.media.letterbox import scaled
    from mien.pipeline.interfaces import SourceRequest
    from mien.sources.registry import make_source

    step_back()
    frame = None
    with make_source(SourceRequest(address, 640, 480, Fraction(30))) as source:
        ends_s = time.monotonic() + _SETTLES_S
        while frame is None or time.monotonic() < ends_s:
            newest = source.read()
            if newest is None:
                break
            frame = newest
    if frame is None:
        raise SourceError(sentence("The camera gives no picture. Is it covered, or used by another program?"))
    _, data = cv2.imencode(".jpg", scaled(frame.image, _WIDTH), [cv2.IMWRITE_JPEG_QUALITY, 82])
    file.write_bytes(data.tobytes())
    file.chmod(0o600)
    return {"width": frame.image.shape[1], "height": frame.image.shape[0]}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["shot", given, where]:
            said = answer(lambda: _shot(given, Path(where)), fault=FAULT, doing="The camera could not be tried")
        case _:
            said = answer(_microphones, fault=FAULT, doing="The microphones could not be listed")
    sys.stdout.write(ANSWER + said)
