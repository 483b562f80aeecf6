"""FaceMesh, the network that follows a face once its whereabouts are known: with 468 points, or with ten more.

The one with 478 sees lips and lids more closely and irises besides; it takes four times as long.
"""

import math
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.crop import NetworkInput, cut_patch
from mien_models.interfaces import FaceRegion, LandmarkerFactory, Session
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8

_POINTS: Final = 468
_WITH_IRISES: Final = 478
_FROM_EDGE: Final = np.array([0.5, 0.5, 0.0], np.float32)
"""The network counts from the edge of the first pixel, patches from its centre.

Measured: over 14 portraits and their mirror images, x + mirrored x is 191.7 of 192 pixels, not 191; with 478 points it
is 255.9 of 256.
"""


class FaceMesh:
    """Places 468 landmarks; keeps its input buffer between calls, so one thread at a time calls it."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: the outputs are not FaceMesh's.
        """
        sizes = [math.prod(o.shape) for o in manifest.outputs]
        if sizes[:2] not in ([_POINTS * 3, 1], [_WITH_IRISES * 3, 1]):
            raise ModelError(f"{manifest.name!r} should have the two outputs of FaceMesh; correct its manifest.")
        self._count = sizes[0] // 3
        self._session = session
        self._providers = {manifest.name: session.provider}
        self._input = NetworkInput(manifest.input)
        self._points_name, self._score_name = (o.name for o in manifest.outputs[:2])

    @property
    def providers(self) -> Mapping[str, str]:
        """What its network runs on, by the name of its weights."""
        return self._providers

    def landmarks(self, image_bgr: BgrU8, region: FaceRegion) -> tuple[NDArray[np.float32], float]:
        """Place (468, 3) landmarks in pixels of the picture, and say how sure it is of a face, 0..1."""
        patch = cut_patch(image_bgr, region, self._input.size_px, border=cv2.BORDER_REPLICATE)
        outputs = self._session.run(self._input.feed(patch.image_bgr))
        points = outputs[self._points_name].reshape(self._count, 3)[:_POINTS] - _FROM_EDGE
        placed = np.empty((_POINTS, 3), np.float32)
        placed[:, :2] = patch.points_in_frame(points[:, :2])
        placed[:, 2] = points[:, 2] * patch.scale
        logit = float(outputs[self._score_name].reshape(-1)[0])
        return placed, 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit))))


PLUGIN: Final[LandmarkerFactory] = FaceMesh
