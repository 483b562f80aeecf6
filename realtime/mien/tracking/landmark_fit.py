"""One look of the two networks at one place, and whether they saw a face."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.config.choices import LandmarksMode
from mien.tracking.geometry import REGION_PER_BOX, Extent, eyes_xy, is_plausible, region_from_detection
from mien.tracking.settings import LookSettings
from mien_models.geometry.crop import Region
from mien_models.interfaces import Detector, Landmarker
from mien_models.library.builtin import load_detector, load_landmarker
from mien_models.types import BgrU8, DetectedFace, PointsF32


@dataclass(frozen=True, slots=True)
class FaceNetworks:
    """A detector and a landmarker; each keeps buffers, so one thread uses them at a time."""

    detector: Detector
    landmarker: Landmarker

    @property
    def providers(self) -> Mapping[str, str]:
        """What each network really runs on, by the name of its weights."""
        return {**self.detector.providers, **self.landmarker.providers}


LANDMARKERS: Final[Mapping[LandmarksMode, str]] = {
    LandmarksMode.QUICK: "facemesh_468",
    LandmarksMode.FINE: "facemesh_478",
}


def default_networks(*, threads: int = 1, landmarks: LandmarksMode = LandmarksMode.QUICK) -> FaceNetworks:
    """Load the networks that come with Mien, in some 20 ms; every call gives a pair of its own.

    Raises:
        ModelError: their weights are missing or damaged.
    """
    return FaceNetworks(load_detector(threads=threads), load_landmarker(LANDMARKERS[landmarks], threads=threads))


_MAX_REFINEMENTS: Final = 8
_SETTLED: Final = 0.02
"""Parts of its side by which a region may still move from one look to the next."""
_CLOSE_UP: Final = 1.35
"""A face fills half of the detector's view when a landmark region is widened by this."""
_WIDE: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkFit:
    """Landmarks as the network gave them, and where it would look for them next."""

    landmarks: PointsF32
    score: float
    region: Region
    """Computed from the landmarks; the face is its side divided by `REGION_PER_BOX` wide."""

    @property
    def size_px(self) -> float:
        """The longer side of the face along its own axes."""
        return self.region.side_px / REGION_PER_BOX


class LandmarkFitter:
    """Looks at places of a picture with the two networks; keeps nothing but them."""

    def __init__(self, networks: FaceNetworks, settings: LookSettings) -> None:
        self._networks = networks
        self._settings = settings

    def at(self, image_bgr: BgrU8, region: Region) -> LandmarkFit | None:
        """Place landmarks in a region; None when there is no face or what is found cannot be one."""
        height, width = image_bgr.shape[:2]
        landmarks, score = self._networks.landmarker.landmarks(image_bgr, region)
        if score < self._settings.keep_presence:
            return None
        extent = Extent.of(landmarks)
        if not is_plausible(landmarks, extent, region, (width, height), self._settings.plausibility):
            return None
        return LandmarkFit(landmarks, score, extent.region())

    def detections(self, image_bgr: BgrU8, view: Region) -> tuple[DetectedFace, ...]:
        """Find what may be faces in a view, best first."""
        return tuple(self._networks.detector.detect(image_bgr, min_score=self._settings.min_detection, region=view))

    def new_face(self, image_bgr: BgrU8, detection: DetectedFace) -> LandmarkFit | None:
        """Place the landmarks of a detected face; None unless both networks agree that it is one, and which way up."""
        landmark_fit = self._settled(image_bgr, region_from_detection(detection))
        if landmark_fit is None:
            return None
        score = self._confirmation(image_bgr, landmark_fit, _CLOSE_UP)
        turned = landmark_fit.region.turned(landmark_fit.region.roll_rad + math.pi)
        other_way_up = self.detections(image_bgr, turned.scaled(_CLOSE_UP))
        if other_way_up and other_way_up[0].score > score:
            landmark_fit = self._settled(image_bgr, region_from_detection(other_way_up[0]))
            score = self._confirmation(image_bgr, landmark_fit, _CLOSE_UP) if landmark_fit else 0.0
        return landmark_fit if score >= self._settings.min_confirmation else None

    def confirms(self, image_bgr: BgrU8, landmark_fit: LandmarkFit, *, wide: bool = False) -> bool:
        """Ask the detector whether it sees a face, too, with its eyes where the landmarks have them."""
        score = self._confirmation(image_bgr, landmark_fit, _WIDE if wide else _CLOSE_UP)
        return score >= self._settings.min_confirmation

    def _settled(self, image_bgr: BgrU8, region: Region) -> LandmarkFit | None:
        """Place landmarks again and again, until the region that they give is the one they came from."""
        landmark_fit = self.at(image_bgr, region)
        for _ in range(_MAX_REFINEMENTS):
            if landmark_fit is None or _shift(region, landmark_fit.region) < _SETTLED * region.side_px:
                break
            region = landmark_fit.region
            landmark_fit = self.at(image_bgr, region)
        return landmark_fit if landmark_fit and landmark_fit.score >= self._settings.acquire_presence else None

    def _confirmation(self, image_bgr: BgrU8, landmark_fit: LandmarkFit, zoom: float) -> float:
        """Give the best score of a detection with its eyes on the landmarks' eyes, or 0."""
        reach = self._settings.max_eye_distance * landmark_fit.size_px
        eyes = eyes_xy(landmark_fit.landmarks)
        found = self._networks.detector.detect(
            image_bgr, min_score=self._settings.min_confirmation, region=landmark_fit.region.scaled(zoom)
        )
        scores = [face.score for face in found if np.linalg.norm(face.keypoints[:2] - eyes, axis=1).max() < reach]
        return max(scores, default=0.0)


def _shift(a: Region, b: Region) -> float:
    return math.dist(a.centre_xy, b.centre_xy) + abs(a.side_px - b.side_px)
