"""BlazeFace, short range: faces that fill at least a tenth or so of the view, and their eyes.

The network that finds palms (`mien_models.networks.hands`) is one of its kind: more anchors, one key point more.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.crop import NetworkInput, Patch, Region, cut_patch
from mien_models.interfaces import DetectorFactory, FaceRegion, Session
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, DetectedFace

_ANCHOR_GRIDS: Final = ((8, 2), (16, 6))
"""Pixels a cell and anchors per cell (mediapipe, face_detection_short_range: strides 8, 16, 16, 16, two each)."""
_MAX_OVERLAP: Final = 0.3
"""Intersection over union from which two boxes are one face (mediapipe: min_suppression_threshold)."""


class BlazeFace:
    """Finds faces; keeps its input buffer between calls, so one thread at a time calls it."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: the outputs are not BlazeFace's.
        """
        anchors = _anchors(manifest.input.size_px)
        self._numbers = manifest.outputs[0].shape[-1]
        has_points = self._numbers >= 2 * 4 and self._numbers % 2 == 0
        if not has_points or [o.shape for o in manifest.outputs] != [(1, len(anchors), n) for n in (self._numbers, 1)]:
            raise ModelError(f"{manifest.name!r} should have the two outputs of BlazeFace; correct its manifest.")
        self._session = session
        self._providers = {manifest.name: session.provider}
        self._input = NetworkInput(manifest.input)
        self._anchors_px = anchors.astype(np.float32)
        self._boxes_name, self._scores_name = (o.name for o in manifest.outputs)

    @property
    def providers(self) -> Mapping[str, str]:
        """What its network runs on, by the name of its weights."""
        return self._providers

    def detect(
        self, image_bgr: BgrU8, *, min_score: float = 0.5, region: FaceRegion | None = None
    ) -> Sequence[DetectedFace]:
        """Find faces in the picture or in one region of it, best first, overlapping ones merged.

        In a turned region, a face's box keeps the face's own upright width and height around its centre.
        """
        region = region or Region.around(image_bgr.shape[1], image_bgr.shape[0])
        patch = cut_patch(image_bgr, region, self._input.size_px)
        outputs = self._session.run(self._input.feed(patch.image_bgr))
        logits = outputs[self._scores_name].reshape(-1)
        # The logit of the wanted score, so that 896 exponentials are spared.
        hits = np.flatnonzero(logits > np.log(min_score / (1.0 - min_score)))
        if not len(hits):
            return ()
        values = outputs[self._boxes_name].reshape(-1, self._numbers)[hits]
        scores = np.asarray(1.0 / (1.0 + np.exp(-logits[hits])), np.float32)
        return _merged(values, self._anchors_px[hits], scores, patch)


PLUGIN: Final[DetectorFactory] = BlazeFace


def _anchors(side_px: int) -> NDArray[np.float64]:
    """Give the centres of the anchors in pixels of the input: (896, 2) for 128, (2016, 2) for 192."""
    grids: list[NDArray[np.float64]] = []
    for cell_px, per_cell in _ANCHOR_GRIDS:
        at = (np.arange(side_px // cell_px, dtype=np.float64) + 0.5) * cell_px
        y, x = np.meshgrid(at, at, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(grids)


def _merged(
    values: NDArray[np.float32], anchors_px: NDArray[np.float32], scores: NDArray[np.float32], patch: Patch
) -> tuple[DetectedFace, ...]:
    """Merge the anchors that saw the same face into their mean, weighted by score, as the network was made for."""
    # Anchors count from the edge of the first pixel, patches from its centre.
    points = values.reshape(len(values), -1, 2)
    from_anchors = (anchors_px - 0.5)[:, None]
    points[:, :1] += from_anchors
    points[:, 2:] += from_anchors
    corners = np.concatenate([points[:, 0] - points[:, 1] * np.float32(0.5), points[:, 1]], axis=1, dtype=np.float32)
    faces: list[DetectedFace] = []
    left = np.argsort(-scores)
    while len(left):
        is_same = _overlap(corners[left[0]], corners[left]) > _MAX_OVERLAP
        is_same[0] = True
        same = left[is_same]
        weights = scores[same] / scores[same].sum()
        mean = (points[same] * weights[:, None, None]).sum(axis=0)
        faces.append(_face(mean, float(scores[left[0]]), patch))
        left = left[~is_same]
    return tuple(faces)


def _overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box (x, y, width, height) with several."""
    ends = boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(box[:2] + box[2:], ends) - np.maximum(box[:2], boxes[:, :2])
    shared = np.maximum(0, sides[:, 0]) * np.maximum(0, sides[:, 1])
    areas = boxes[:, 2] * boxes[:, 3] + box[2] * box[3]
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), np.float32)


def _face(points: NDArray[np.float32], score: float, patch: Patch) -> DetectedFace:
    """Take the mean of some anchors (centre, size, key points) to the frame."""
    half = points[1] / 2 * patch.scale
    in_frame = patch.points_in_frame(points)
    box = np.concatenate([in_frame[0] - half, in_frame[0] + half])
    return DetectedFace(box.astype(np.float32), in_frame[2:], score)
