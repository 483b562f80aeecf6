"""A sink that looks for the real face in every picture that goes out; `random_changes` puts it into the user's folder.

The source faces have stripes of two colours, which no real face has. Whatever a colour method makes of them, they stay
stripes: how far red is above blue goes up and down along a cheek, in parts of how far it is above on average, by 0.17
and more; on the real face of the synthetic camera by 0.15 at most (900 pictures). In a fade between two swapped
pictures they lie beside one another and are fainter (0.15); across the whole face the bluest rows are then still half
as far above as the reddest, 0.43, and on the real face 0.61 at least. What is not warm at the place of the face is no
skin, but one of Mien's cards.
"""

import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.registry import SinkPlugin
from mien_models.types import BgrU8

WARM: Final = 15.0
"""Red above blue, in levels, on both cheeks: skin, or a picture of skin."""
STRIPED: Final = 0.16
UNEVEN: Final = 0.52
_ROWS: Final = slice(60, 150)
_CHEEKS: Final = (slice(125, 150), slice(170, 195))
"""Columns on both sides of the nose of the synthetic camera's face, in 320 x 240 pixels."""
_FACE: Final = slice(125, 195)
_KEPT: Final = 5


def kind_of(image_bgr: BgrU8) -> str:
    """Say what is seen at the place of the face: 'swapped', 'card', or 'real', which must never be."""
    redness, stripes = [], []
    for columns in _CHEEKS:
        part = image_bgr[_ROWS, columns].astype(np.float32)
        along = (part[..., 2] - part[..., 0]).mean(axis=1)
        redness.append(float(along.mean()))
        smooth = cv2.GaussianBlur(along[:, None], (0, 0), 8)[:, 0]
        stripes.append(float((along - smooth).std()) / max(abs(redness[-1]), 8.0))
    if max(stripes) >= STRIPED or (min(redness) > WARM and _evenness(image_bgr) < UNEVEN):
        return "swapped"
    return "real" if min(redness) > WARM else "card"


def _evenness(image_bgr: BgrU8) -> float:
    """Say how far red is above blue in the bluest rows of the face, in parts of the reddest ones."""
    part = image_bgr[_ROWS, _FACE].astype(np.float32)
    along = cv2.GaussianBlur((part[..., 2] - part[..., 0]).mean(axis=1)[:, None], (0, 0), 1.5)
    low, high = np.percentile(along, (8, 92))
    return float(low / max(high, 8.0))


class Judge:
    """Counts what it is shown, and keeps the first pictures with the real face."""

    description = "the judge of the random changes"

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._folder, self._output = Path(target), output
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._folder / "counts.json").write_text(json.dumps(self._counts), encoding="utf-8")

    def write(self, frame: OutputFrame) -> None:
        """Look at one picture."""
        self._output.check(frame)
        kind = kind_of(frame.image)
        self._counts[kind] += 1
        self._counts[f"{frame.state.value}: {kind}"] += 1
        if kind == "real" and self._counts[kind] <= _KEPT:
            cv2.imwrite(str(self._folder / f"real-{frame.index:06}.png"), frame.image)


PLUGIN: Final = SinkPlugin(make=Judge, help="the judge of the random changes", target="FOLDER")
