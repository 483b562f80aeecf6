"""MediaPipe's selfie segmentation: the face is drawn on the person only, not on the background beside it."""

from typing import Final

import cv2
import numpy as np

from mien.stages.mask import FaceMask, MaskMethod, MaskPlugin
from mien_models.geometry.crop import NetworkInput, Region, cut_patch
from mien_models.interfaces import Session
from mien_models.library.builtin import open_session, read_manifest
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, Face, as_f32, as_u8

AROUND: Final = 2.4
"""The network sees a square so many times as large as the face: it was made for head and shoulders."""
PERSON: Final = (0.25, 0.65)
"""Below the first it is no person, above the second surely one; what the network says of hair lies between."""


class SelfieMask:
    """Asks the network anew in every frame, 2 ms; remembers no face."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights."""
        self._session = session
        self._input = NetworkInput(manifest.input)
        self._output = manifest.outputs[0].name

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002 - the contract
        """Mask what is not a person."""
        left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
        side_px = AROUND * max(right - left, bottom - top)
        patch = cut_patch(
            frame_bgr, Region(((left + right) / 2, (top + bottom) / 2), side_px), self._input.size_px,
            border=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        answer = self._session.run(self._input.feed(patch.image_bgr))[self._output]
        person = as_f32(answer).reshape(self._input.size_px, self._input.size_px)
        sure = np.clip((person - PERSON[0]) / (PERSON[1] - PERSON[0]), 0, 1)
        return FaceMask(as_u8(np.asarray(sure * 255 + 0.5)), patch.frame_from_patch)

    def forget(self, face_id: int) -> None:
        """Keep on remembering nothing."""


def _with_built_in_network() -> MaskMethod:
    manifest = read_manifest("selfie_segmentation")
    return SelfieMask(manifest, open_session(manifest))


PLUGIN: Final = MaskPlugin(
    make=lambda _target: _with_built_in_network(),
    help="the face stays on the person, off the background; 2 ms",
)
