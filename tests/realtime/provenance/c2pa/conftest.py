"""Files with a swapped face in them, made on the spot."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.c2pa.sign import Signer
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien.sinks.backends.file import FileSink

SESSION = "a1b2c3"


def frame(index: int, *, is_swapped: bool = True) -> OutputFrame:
    """Noise that moves, so that the file has something in it."""
    image = np.random.default_rng(index).integers(0, 256, (96, 128, 3), np.uint8)
    picture = SwappedPicture(image).released(lambda pixels: pixels) if is_swapped else ReleasedPicture.unswapped(image)
    return OutputFrame(picture, index, index * 33_333_333, State.LIVE)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, *, is_swapped: bool = True, signer: Signer | None = None, frames: int = 70) -> Path:
        sink = FileSink(str(tmp_path / name), OutputFormat(128, 96, Fraction(30)))
        sink.signer = signer or Signer(SESSION)
        with sink:
            for index in range(frames):
                sink.write(frame(index, is_swapped=is_swapped))
        return tmp_path / name

    return make
