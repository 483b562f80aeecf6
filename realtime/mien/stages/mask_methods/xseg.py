"""XSeg, the mask network of DeepFaceLab and DeepFaceLive, from the user's ONNX file."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.stages.mask import FaceMask, MaskPlugin, upright_region
from mien_models.errors import ModelError
from mien_models.geometry.crop import cut_patch
from mien_models.networks.user_network import open_user_network, square_picture
from mien_models.types import BgrU8, Face, as_f32, as_u8

AROUND: Final = 1.5
"""The network sees a square so many times as large as the face's box."""
USUAL_PX: Final = 256
"""Its side where the file leaves it free."""


class XSegMask:
    """Asks the network anew in every frame; remembers no face."""

    def __init__(self, network: Path) -> None:
        """Load the network: (1, n, n, 3) BGR 0..1 in, (1, n, n, 1) or (1, 1, n, n) 0..1 out, 1 = face.

        Raises:
            ModelError: the file is no such network.
        """
        self._session = open_user_network(network)
        self._input, side = square_picture(self._session, network, layout="nhwc")
        self._side_px = side if side > 0 else USUAL_PX
        self._path = network
        self._answered(np.zeros((self._side_px, self._side_px, 3), np.uint8))

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002 - the contract
        """Mask what the network does not take for the face."""
        patch = cut_patch(frame_bgr, upright_region(face, AROUND), self._side_px, border=cv2.BORDER_REPLICATE)
        return FaceMask(self._answered(patch.image_bgr), patch.frame_from_patch)

    def forget(self, face_id: int) -> None:
        """Keep on remembering nothing."""

    def _answered(self, patch_bgr: BgrU8) -> BgrU8:
        answer = next(iter(self._session.run({self._input: as_f32(patch_bgr)[None] / 255}).values()))
        if answer.size != self._side_px**2:
            raise ModelError(
                f"{str(self._path)!r} should answer with one mask of {self._side_px} x {self._side_px}, but gives "
                f"{answer.shape}. Give an XSeg network."
            )
        return as_u8(np.clip(answer.reshape(self._side_px, self._side_px) * 255 + 0.5, 0, 255))


PLUGIN: Final = MaskPlugin(
    make=lambda target: XSegMask(Path(target)),
    help="what your XSeg network takes for no face stays in front",
    target="FILE.onnx",
)
