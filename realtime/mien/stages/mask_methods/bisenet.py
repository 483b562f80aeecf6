"""BiSeNet face parsing, from the user's ONNX file: skin, brows, eyes, nose and mouth are the face."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.stages.mask import MaskPlugin
from mien.stages.mask_methods._user_network import UserNetworkMask
from mien_models.errors import ModelError
from mien_models.types import BgrU8, MaskU8, as_f32, as_u8

MEAN_RGB: Final = (0.485, 0.456, 0.406)
STD_RGB: Final = (0.229, 0.224, 0.225)
"""What ImageNet networks subtract and divide by."""
CLASSES: Final = 19
"""Of CelebAMask-HQ: 0 background, 1 skin, 2-3 brows, 4-5 eyes, 6 glasses, 7-9 ears, 10 nose, 11 mouth, 12-13 lips,
14-15 neck, 16 clothes, 17 hair, 18 hat."""
FACE_CLASSES: Final = (1, 2, 3, 4, 5, 6, 10, 11, 12, 13)
"""Glasses belong to it: through them the user's own face would be seen."""


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


PLUGIN: Final = MaskPlugin(
    make=lambda target: BiSeNetMask(Path(target)),
    help="what is no part of a face stays in front, by your BiSeNet",
    target="FILE.onnx",
)
