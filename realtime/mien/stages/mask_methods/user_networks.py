"""Masks of a network in a user's ONNX file: one square picture around the face in, one mask of it out.

XSeg is the mask network of DeepFaceLab and DeepFaceLive. BiSeNet parses faces: skin, brows, eyes, nose and mouth are
the face.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final, Literal

import cv2
import numpy as np

from mien.stages.mask import FaceMask, MaskPlugin, upright_region
from mien_models.errors import ModelError
from mien_models.geometry.crop import cut_patch
from mien_models.networks.user_network import open_user_network, square_picture
from mien_models.types import BgrU8, Face, MaskU8, as_f32, as_u8

MEAN_RGB: Final = (0.485, 0.456, 0.406)
STD_RGB: Final = (0.229, 0.224, 0.225)
"""What ImageNet networks subtract and divide by."""
CLASSES: Final = 19
"""Of CelebAMask-HQ: 0 background, 1 skin, 2-3 brows, 4-5 eyes, 6 glasses, 7-9 ears, 10 nose, 11 mouth, 12-13 lips,
14-15 neck, 16 clothes, 17 hair, 18 hat."""
FACE_CLASSES: Final = (1, 2, 3, 4, 5, 6, 10, 11, 12, 13)
"""Glasses belong to it: through them the user's own face would be seen."""


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


class XSegMask(UserNetworkMask):
    """Takes (1, n, n, 3) BGR 0..1, gives (1, n, n, 1) or (1, 1, n, n) 0..1, 1 = face."""

    around, usual_px, layout = 1.5, 256, "nhwc"

    def _answered(self, patch_bgr: BgrU8) -> BgrU8:
        answer = next(iter(self._session.run({self._input: as_f32(patch_bgr)[None] / 255}).values()))
        if answer.size != self._side_px**2:
            raise ModelError(
                f"{str(self._path)!r} should answer with one mask of {self._side_px} x {self._side_px}, but gives "
                f"{answer.shape}. Give an XSeg network."
            )
        return as_u8(np.clip(answer.reshape(self._side_px, self._side_px) * 255 + 0.5, 0, 255))


class BiSeNetMask(UserNetworkMask):
    """Takes (1, 3, n, n) RGB as ImageNet's, gives (1, 19, n, n) logits; further outputs are ignored."""

    # It was trained on portraits with hair and neck.
    around, usual_px, layout = 1.9, 512, "nchw"

    def _answered(self, patch_bgr: BgrU8) -> MaskU8:
        rgb = as_f32(cv2.cvtColor(patch_bgr, cv2.COLOR_BGR2RGB)) / 255
        numbers = (rgb - np.array(MEAN_RGB, np.float32)) / np.array(STD_RGB, np.float32)
        answer = next(iter(self._session.run({self._input: numbers.transpose(2, 0, 1)[None]}).values()))
        if answer.ndim != 4 or answer.shape[1] != CLASSES:
            raise ModelError(
                f"{str(self._path)!r} should answer with {CLASSES} classes, but gives {answer.shape}. "
                "Give a BiSeNet that parses faces."
            )
        is_face = np.isin(answer[0].argmax(axis=0), FACE_CLASSES)
        return as_u8(cv2.GaussianBlur(is_face.astype(np.uint8) * 255, (0, 0), self._side_px / 256))


PLUGINS: Final[Mapping[str, MaskPlugin]] = {
    "xseg": MaskPlugin(
        make=lambda target: XSegMask(Path(target)),
        help="what your XSeg network takes for no face stays in front",
        target="FILE.onnx",
    ),
    "bisenet": MaskPlugin(
        make=lambda target: BiSeNetMask(Path(target)),
        help="what is no part of a face stays in front, by your BiSeNet",
        target="FILE.onnx",
    ),
}
