"""BlazeFace, short range: faces that fill at least a tenth or so of the view, and their eyes."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8
from mien_models.contracts import DetectorFactory, FaceRegion, Session
from mien_models.errors import ModelError
from mien_models.faces import DetectedFace
from mien_models.manifest import Manifest
from mien_models.network_input import NetworkInput
from mien_models.regions import Patch, Region, cut_patch

_ANCHOR_GRIDS: Final = ((16, 2), (8, 6))
"""Cells a side and anchors per cell (mediapipe, face_detection_short_range: strides 8, 16, 16, 16, two each)."""
_KEYPOINTS: Final = 6
_MAX_OVERLAP: Final = 0.3
"""Intersection over union from which two boxes are one face (mediapipe: min_suppression_threshold)."""


class BlazeFace:
    """Finds faces; keeps its input buffer between calls, so one thread calls it."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: the outputs are not BlazeFace's.
        """
        anchors = _anchors()
        if [o.shape for o in manifest.outputs] != [(1, len(anchors), 4 + 2 * _KEYPOINTS), (1, len(anchors), 1)]:
            raise ModelError(f"{manifest.name!r} should have the two outputs of BlazeFace; correct its manifest.")
        self._session = session
        self._providers = {manifest.name: session.provider}
        self._input = NetworkInput(manifest.input)
        self._anchors_px = anchors * manifest.input.size_px
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
        values = outputs[self._boxes_name].reshape(-1, 4 + 2 * _KEYPOINTS)[hits].astype(np.float64)
        scores = 1.0 / (1.0 + np.exp(-logits[hits].astype(np.float64)))
        return _merged(values, self._anchors_px[hits], scores, patch)


PLUGIN: Final[DetectorFactory] = BlazeFace


def _anchors() -> NDArray[np.float64]:
    """(896, 2) centres of the anchors in parts of the input's side."""
    grids: list[NDArray[np.float64]] = []
    for cells, per_cell in _ANCHOR_GRIDS:
        at = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(at, at, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(grids)


def _merged(
    values: NDArray[np.float64], anchors_px: NDArray[np.float64], scores: NDArray[np.float64], patch: Patch
) -> tuple[DetectedFace, ...]:
    """Merge the anchors that saw the same face into their mean, weighted by score, as the network was made for."""
    # Anchors count from the edge of the first pixel, patches from its centre.
    points = values.reshape(-1, 2 + _KEYPOINTS, 2)
    points[:, 0] += anchors_px - 0.5
    points[:, 2:] += (anchors_px - 0.5)[:, None]
    corners = np.concatenate([points[:, 0] - points[:, 1] / 2, points[:, 1]], axis=1)
    faces: list[DetectedFace] = []
    left = np.argsort(-scores)
    while len(left):
        overlap = _overlap(corners[left[0]], corners[left])
        same = left[overlap > _MAX_OVERLAP]
        mean = np.average(points[same], axis=0, weights=scores[same])
        faces.append(_face(mean, float(scores[left[0]]), patch))
        left = left[overlap <= _MAX_OVERLAP]
    return tuple(faces)


def _overlap(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box (x, y, width, height) with several."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    width, height = np.maximum(0.0, high - low).T
    shared: NDArray[np.float64] = width * height
    union: NDArray[np.float64] = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)


def _face(points: NDArray[np.float64], score: float, patch: Patch) -> DetectedFace:
    matrix = patch.frame_from_patch
    in_frame = points[[0, *range(2, 2 + _KEYPOINTS)]] @ matrix[:, :2].T + matrix[:, 2]
    half = points[1] / 2 * np.hypot(matrix[0, 0], matrix[1, 0])
    box = np.concatenate([in_frame[0] - half, in_frame[0] + half])
    return DetectedFace(box.astype(np.float32), in_frame[1:].astype(np.float32), score)
