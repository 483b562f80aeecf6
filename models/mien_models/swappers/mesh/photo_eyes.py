"""The photo's eyes on a wearer who looks and blinks: lids follow the wearer's, irises take the photo's colour."""

from dataclasses import dataclass, replace

from mien_models.library.builtin import load_eyes, load_eyewear
from mien_models.networks.eyes import Eyes
from mien_models.swappers.mesh.glasses import glasses_of
from mien_models.swappers.mesh.irises import IrisColour, IrisFilter, iris_colour
from mien_models.swappers.mesh.lids import with_lids
from mien_models.types import BgrU8, FaceView, PointsF32, Retouch, SourceFace


@dataclass(frozen=True, slots=True, eq=False)
class PhotoEyes:
    """What the photos show of the eyes."""

    source: SourceFace
    """The same photos, the lids in their landmarks where they were seen."""
    colour: IrisColour
    network: Eyes


@dataclass(frozen=True, slots=True, eq=False)
class SeenEyes:
    """The wearer's eyes in one frame."""

    landmarks: PointsF32
    """(468, 3) with lids where they were seen."""
    retouches: tuple[Retouch, ...]
    """Irises in the photo's colour."""


def photo_eyes(source: SourceFace) -> PhotoEyes | None:
    """Look at the photos' eyes; None where none shows them: closed, turned away, small or behind dark lenses."""
    network = load_eyes()
    views, colours = zip(*(_seen(view, network) for view in source.views), strict=True)
    colour = next((colour for colour in colours if colour is not None), None)
    return None if colour is None else PhotoEyes(SourceFace(views), colour, network)


def lends_eyes(view: FaceView) -> bool:
    """Say whether a photo shows the eyes well enough."""
    return photo_eyes(SourceFace((view,))) is not None


def _seen(view: FaceView, network: Eyes) -> tuple[FaceView, IrisColour | None]:
    if glasses_of(load_eyewear().look(view.photo_bgr, view.face.landmarks)).are_dark:
        return view, None
    looks = network.look(view.photo_bgr, view.face.landmarks)
    moved = replace(view, face=replace(view.face, landmarks=with_lids(view.face.landmarks, looks)))
    return moved, iris_colour(view.photo_bgr, looks)


class WornEyes:
    """Follows the eyes of one wearer."""

    def __init__(self, photo: PhotoEyes) -> None:
        """Take what they are to look like."""
        self._photo = photo
        self._irises = IrisFilter()

    def see(self, frame_bgr: BgrU8, landmarks: PointsF32, elapsed_s: float) -> SeenEyes:
        """Look at the wearer's eyes; about 1 ms."""
        looks = self._photo.network.look(frame_bgr, landmarks)
        retouches = self._irises.retouches(frame_bgr, looks, self._photo.colour, elapsed_s)
        return SeenEyes(with_lids(landmarks, looks), retouches)
