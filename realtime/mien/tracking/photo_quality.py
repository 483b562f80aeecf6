"""How good a photo is for lending its face, from what was measured in it, and what would make it better."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import Final, Literal

import numpy as np

from mien_models.geometry.face_mesh import filled
from mien_models.geometry.face_regions import FACE_CORE, OVAL
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.multi_view import FlatView, understand
from mien_models.swappers.mesh.photo_eyes import lends_eyes
from mien_models.types import Face, FaceView

MOUTH: Final = (13, 14, 78, 308)
"""Middles of the upper and the lower lip's inner edge, corners of the mouth's opening."""
OPEN: Final = 0.22
"""A mouth is open whose lips are farther apart than this, in parts of its width."""
DARK: Final = 55.0
"""A face whose skin has a median brightness below this, of 255, is dark; noise and compression have eaten it."""
HARD: Final = 0.22
"""Skin that stands out more than this was lit hard or is deeply wrinkled: on another face that looks like stains."""


@dataclass(frozen=True, slots=True)
class PhotoTraits:
    """What was seen of a photo's face."""

    width_px: float
    yaw_deg: float
    pitch_deg: float
    glasses: Literal["none", "clear", "dark"]
    has_beard: bool
    covered: float
    """Part of the face's outline and sides that hair or something else hides, 0..1."""
    core_covered: float
    """Part of brows, eyes, nose, cheeks and mouth that is hidden by more than glasses, 0..1."""
    mouth: float
    """How far the lips are apart, in parts of the mouth's width."""
    smile: float
    """0..1."""
    brightness: float
    """Median of the face's core, 0..255."""
    burnt: float
    """Part of the face's core that is white."""
    light_contrast: float
    """How uneven the light is: ratio of the brightest to the darkest tenth of the skin."""
    relief: float
    """How much the skin stands out, by hard shadows, shine and deep folds: a standard deviation of its logarithm."""
    shows_eyes: bool
    """Whether lids and irises are seen well enough to be lent."""


@dataclass(frozen=True, slots=True)
class PhotoQuality:
    """A mark for a photo."""

    score: int
    """0..100; below 50 the swap shows that the photo is not good."""
    helps: tuple[str, ...]
    """What would help, what helps most first; empty for a photo with nothing amiss."""
    traits: PhotoTraits

    def told(self, name: str) -> str:
        """Say it in one sentence."""
        best = f"; {self.helps[0]} would help most" if self.helps else ""
        return f"{name}: quality {self.score} of 100{best}."


def judged(view: FaceView) -> PhotoQuality:
    """Look at a photo and mark it; some 0.1 s."""
    return quality_of(traits_of(understand(view, SIDE_PX), view.face, shows_eyes=lends_eyes(view)))


def traits_of(view: FlatView, face: Face, *, shows_eyes: bool) -> PhotoTraits:
    """Collect what is known of a photo that was laid flat."""
    oval, core = (filled((contour,), SIDE_PX) > 0 for contour in (OVAL, FACE_CORE))
    step = max(1, len(view.photo.bgr) // SIDE_PX)
    small = view.photo.bgr[::step, ::step][:SIDE_PX, :SIDE_PX]
    seen = core & (view.skin.trust > 0)
    upper, lower, left, right = (face.landmarks[index] for index in MOUTH)
    wide = max(float(np.linalg.norm(right - left)), 1e-6)
    glasses: Literal["none", "clear", "dark"] = "none"
    if view.glasses.are_worn:
        glasses = "dark" if view.glasses.are_dark else "clear"
    return PhotoTraits(
        width_px=face.width_px,
        yaw_deg=face.pose.yaw_deg,
        pitch_deg=face.pose.pitch_deg,
        glasses=glasses,
        has_beard=view.skin.has_beard,
        covered=float((view.skin.hidden[oval] > 0).mean()),
        core_covered=float((view.skin.hidden[core] > 0).mean()),
        mouth=float(np.linalg.norm(lower - upper)) / wide,
        smile=view.smile,
        brightness=float(np.median(small.mean(axis=2)[seen])) if seen.any() else 0.0,
        burnt=float((small.min(axis=2) > 250)[core].mean()),
        light_contrast=view.skin.light.contrast,
        relief=view.relief,
        shows_eyes=shows_eyes,
    )


def quality_of(traits: PhotoTraits) -> PhotoQuality:
    """Mark a photo: every fault leaves a part of what the others left."""
    faults = sorted(_faults(traits))
    score = 100.0
    for left, _ in faults:
        score *= left
    return PhotoQuality(round(score), tuple(help_ for left, help_ in faults if left < WORTH_A_WORD), traits)


WORTH_A_WORD: Final = 0.97
"""A fault that leaves more than this is not told."""


def _faults(traits: PhotoTraits) -> Iterator[tuple[float, str]]:
    """Give what each fault leaves of a photo, and what would help against it."""
    yield _ramp(log2(max(traits.width_px, 1.0)), (5.5, 0.35), (7.6, 1.0)), "a larger photo"
    yield _ramp(abs(traits.yaw_deg), (50.0, 0.25), (14.0, 1.0)), "a photo that looks into the camera"
    yield _ramp(abs(traits.pitch_deg), (40.0, 0.4), (18.0, 1.0)), "a photo at the height of the eyes"
    yield {"none": 1.0, "clear": 0.75, "dark": 0.3}[traits.glasses], "a photo without glasses"
    yield _ramp(traits.covered, (0.7, 0.5), (0.3, 1.0)), "hair that is combed back"
    yield _ramp(traits.core_covered, (0.4, 0.3), (0.06, 1.0)), "a face that nothing covers"
    yield _ramp(traits.mouth, (0.7, 0.7), (OPEN, 1.0)), "a closed mouth"
    yield _ramp(traits.smile, (1.0, 0.9), (0.4, 1.0)), "a calm face"
    yield _ramp(traits.brightness, (20.0, 0.4), (DARK, 1.0)), "more light"
    yield _ramp(traits.burnt, (0.3, 0.6), (0.04, 1.0)), "less light"
    yield _ramp(traits.light_contrast, (5.0, 0.7), (1.8, 1.0)), "light from the front"
    yield _ramp(traits.relief, (0.4, 0.35), (HARD, 1.0)), "softer light"
    yield (1.0 if traits.shows_eyes else 0.9), "eyes that are open and well seen"


def _ramp(value: float, bad: tuple[float, float], good: tuple[float, float]) -> float:
    """Give what a fault leaves, straight between two (value, part left) and level beyond them."""
    (low, left_low), (high, left_high) = sorted((bad, good))
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return left_low + share * (left_high - left_low)
