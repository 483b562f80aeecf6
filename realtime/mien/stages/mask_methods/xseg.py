"""XSeg, the mask network of DeepFaceLab and DeepFaceLive, from the user's ONNX file."""

from pathlib import Path
from typing import Final

import numpy as np

from mien.stages.mask import MaskPlugin
from mien.stages.mask_methods._user_network import UserNetworkMask
from mien_models.errors import ModelError
from mien_models.types import BgrU8, as_f32, as_u8


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


PLUGIN: Final = MaskPlugin(
    make=lambda target: XSegMask(Path(target)),
    help="what your XSeg network takes for no face stays in front",
    target="FILE.onnx",
)
