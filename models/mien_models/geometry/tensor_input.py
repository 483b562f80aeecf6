"""Pixels become a network's numbers, in a buffer that is made once."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.specs.manifest import InputSpec
from mien_models.types import BgrU8

_VALUES: Final = 256


class NetworkInput:
    """Turns square pictures into the input that a manifest describes; its buffer is reused by every call."""

    def __init__(self, spec: InputSpec) -> None:
        """Prepare for one network.

        Raises:
            ModelError: the input is not one square colour picture in rows of pixels.
        """
        if spec.layout != "nhwc" or spec.shape != (1, spec.size_px, spec.size_px, 3):
            raise ModelError(f"The input {spec.name!r} should be (1, n, n, 3) 'nhwc', is {spec.shape} {spec.layout!r}.")
        self.size_px = spec.size_px
        self._spec = spec
        self._table = (np.arange(_VALUES) * spec.scale + spec.offset).astype(np.float32)
        self._rgb = np.empty(spec.shape[1:], np.uint8)
        self._numbers = np.empty(spec.shape, np.float32)

    def feed(self, image_bgr: BgrU8) -> dict[str, NDArray[np.float32]]:
        """Give what a session's `run` takes, for a picture of the network's own size."""
        if self._spec.colour == "rgb":
            image_bgr = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB, dst=self._rgb), np.uint8)
        cv2.LUT(image_bgr, self._table, dst=self._numbers[0])
        return {self._spec.name: self._numbers}
