"""The two networks behind following: one finds faces, one places their landmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mien.config.choices import LandmarksMode
from mien_models.interfaces import Detector, Landmarker
from mien_models.library.builtin import load_detector, load_landmarker


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
