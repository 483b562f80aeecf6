"""Shows one picture so many times: still:COUNT."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
import skimage

from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.sources.registry import Claim, SourcePlugin
from mien_models.types import as_u8


class Still:
    """Has state: how many it has shown."""

    def __init__(self, request: SourceRequest) -> None:
        self._count = int(request.address.partition(":")[2])
        path = Path(skimage.__file__).parent / "data" / "astronaut.png"
        self._picture = as_u8(np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)))
        self._picture[:40, :40] = 255
        self._shown = 0

    @property
    def info(self) -> SourceInfo:
        """What is shown."""
        height, width = self._picture.shape[:2]
        return SourceInfo("a still", width, height, Fraction(10), self._count, is_live=False)

    def __enter__(self) -> Self:
        self._shown = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self) -> Frame | None:
        """Show it once more."""
        if self._shown == self._count:
            return None
        self._shown += 1
        return Frame(self._picture.copy(), UNNUMBERED, (self._shown - 1) * 100_000_000)


def _claim(address: str) -> Claim:
    return Claim.SURE if address.startswith("still:") else Claim.NO


PLUGIN: Final = SourcePlugin(make=Still, help="one picture, so many times", address="still:COUNT", claims=_claim)
