"""Takes one picture of a camera for a thumbnail, as a program: `python -m mien.panel.camera_shot ADDRESS FILE.jpg`."""

import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2

from mien.panel.aside import ANSWER, FAULT, step_back
from mien.pipeline.interfaces import SourceRequest
from mien.session.sight import scaled
from mien.sources.registry import make_source
from mien_models.errors import SourceError
from mien_models.system.crash.child import answer
from mien_models.system.sentence import sentence

_WIDTH: Final = 320
_SETTLES_S: Final = 0.7
"""A webcam's first pictures are dark: it is still finding the exposure."""


def shoot(address: str, file: Path) -> dict[str, object]:
    """Write what the camera shows now.

    Raises:
        SourceError: it cannot be opened or gives nothing.
    """
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
    given, where = sys.argv[1], Path(sys.argv[2])
    sys.stdout.write(ANSWER + answer(lambda: shoot(given, where), fault=FAULT, doing="The camera could not be tried"))
