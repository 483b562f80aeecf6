"""The photo's eyes on a wearer who looks and blinks: lids follow the wearer's, irises take the photo's colour."""

from dataclasses import dataclass, replace
from typing import Final

from mien_models.library.builtin import load_eyes, load_eyewear
from mien_models.networks.eyes import EyeLook, Eyes, iris_px
from mien_models.swappers.mesh.glasses import glasses_of
from mien_models.swappers.mesh.irises import IrisColour, IrisFilter, iris_colour
from mien_models.swappers.mesh.lids import opening_px, with_lids
from mien_models.types import BgrU8, FaceView, PointsF32, Retouch, SourceFace

NEAR_PX: Final = (3.5, 6.0)
"""Eyes with smaller irises than the first, a radius in pixels, are left alone; from the second on they are the photo's.

On a face of 90 pixels an eye is 20 pixels wide and blurred: lids gave nothing, and full colours stood out as holes.
"""
USUAL_S: Final = 4.0
"""Time over which it is averaged how far the wearer's eyes are open."""
BLINK: Final = 0.6
"""Less than this part of that is a blink and does not count."""
NARROWEST: Final = 0.65
"""The wearer's eyes are shown no narrower than this part of theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoEyes:
    """What the photos show of the eyes."""

    source: SourceFace
    """The same photos, the lids in their landmarks where they were seen."""
    colour: IrisColour
    opening_px: float
    """How far they are open, in pixels of a look."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenEyes:
    """The wearer's eyes in one frame."""

    landmarks: PointsF32
    """(468, 3) with lids where they were seen."""
    retouches: tuple[Retouch, ...]
    """Irises in the photo's colour."""


def nearness(landmarks: PointsF32) -> float:
    """Say whether eyes are too small for anything to be done with them, 0, or near enough for all of it, 1."""
    return min(1.0, max(0.0, (iris_px(landmarks) - NEAR_PX[0]) / (NEAR_PX[1] - NEAR_PX[0])))


def photo_eyes(source: SourceFace) -> PhotoEyes | None:
    """Look at the photos' eyes; None where none shows them: closed, turned away, small or behind dark lenses."""
    network = load_eyes()
    views, colours, openings = zip(*(_seen(view, network) for view in source.views), strict=True)
    known = [(colour, opening) for colour, opening in zip(colours, openings, strict=True) if colour is not None]
    return PhotoEyes(SourceFace(views), *known[0]) if known else None


def lends_eyes(view: FaceView) -> bool:
    """Say whether a photo shows the eyes well enough."""
    return photo_eyes(SourceFace((view,))) is not None


def _seen(view: FaceView, network: Eyes) -> tuple[FaceView, IrisColour | None, float]:
    if glasses_of(load_eyewear().look(view.photo_bgr, view.face.landmarks)).are_dark:
        return view, None, 0.0
    looks = network.look(view.photo_bgr, view.face.landmarks)
    moved = replace(view, face=replace(view.face, landmarks=with_lids(view.face.landmarks, looks)))
    return moved, iris_colour(view.photo_bgr, looks), opening_px(looks)


class WornEyes:
    """Follows the eyes of one wearer."""

    def __init__(self, photo: PhotoEyes) -> None:
        """Take what they are to look like."""
        self._photo = photo
        self._irises = IrisFilter()
        self._usual_px = 0.0
        """How far the wearer's eyes usually are open."""

    def see(
        self,
        frame_bgr: BgrU8,
        landmarks: PointsF32,
        looks: tuple[EyeLook, EyeLook],
        shut: tuple[float, float],
        elapsed_s: float,
    ) -> SeenEyes:
        """Give the wearer's eyes the photo's lids and colours; about 0.5 ms.

        Args:
            frame_bgr: the frame.
            landmarks: (468, 3) the mesh in it.
            looks: what the network saw of both eyes.
            shut: how far both are shut, 0..1.
            elapsed_s: since the last frame.
        """
        strength = nearness(landmarks)
        if strength == 0:
            return SeenEyes(landmarks, ())
        retouches = self._irises.retouches(frame_bgr, looks, self._photo.colour, strength=strength, elapsed_s=elapsed_s)
        part = self._part(opening_px(looks), elapsed_s)
        left, right = (part * (1 - eye) for eye in shut)
        return SeenEyes(with_lids(landmarks, looks, strength=strength, parts=(left, right)), retouches)

    def _part(self, now_px: float, elapsed_s: float) -> float:
        """Say to which part of the wearer's opening the lids are let down, so that usually they are as the photo's."""
        if now_px > BLINK * self._usual_px:
            share = min(1.0, elapsed_s / USUAL_S) if self._usual_px else 1.0
            self._usual_px += share * (now_px - self._usual_px)
        return min(1.0, max(NARROWEST, self._photo.opening_px / max(self._usual_px, 1.0)))
