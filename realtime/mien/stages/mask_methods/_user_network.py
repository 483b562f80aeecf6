"""What masks of a user's ONNX file have in common: one square picture around the face in, one mask of it out."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np

from mien.stages.mask import FaceMask, upright_region
from mien_models.geometry.crop import cut_patch
from mien_models.networks.user_network import open_user_network, square_picture
from mien_models.types import BgrU8, Face, MaskU8


class UserNetworkMask(ABC):
    """Asks the network anew in every frame; remembers no face."""

    around: ClassVar[float]
    """The network sees a square so many times as large as the face's box."""
    usual_px: ClassVar[int]
    """Its side where the file leaves it free."""
    layout: ClassVar[Literal["nchw", "nhwc"]]

    def __init__(self, network: Path) -> None:
        """Load the network and ask it once.

        Raises:
            ModelError: the file is no such network.
        """
        self._session = open_user_network(network)
        self._input, side = square_picture(self._session, network, layout=self.layout)
        self._side_px = side if side > 0 else self.usual_px
        self._path = network
        self._answered(np.zeros((self._side_px, self._side_px, 3), np.uint8))

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002 - the contract
        """Mask what the network takes for no part of the face."""
        patch = cut_patch(frame_bgr, upright_region(face, self.around), self._side_px, border=cv2.BORDER_REPLICATE)
        return FaceMask(self._answered(patch.image_bgr), patch.frame_from_patch)

    def forget(self, face_id: int) -> None:  # noqa: B027 - there is nothing to do
        """Keep on remembering nothing."""

    @abstractmethod
    def _answered(self, patch_bgr: BgrU8) -> MaskU8:
        """Ask the network about a picture of `_side_px`; 255 where the face may be drawn.

        Raises:
            ModelError: it answers in another shape.
        """
