"""The source face: which photos, which of their faces."""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path
from typing import Final

from mien.config.paths import named_path
from mien.tracking.photo_quality import PhotoQuality, judged
from mien_models.errors import PhotoError
from mien_models.types import BgrU8, Face, FaceView, SourceFace

_LOG = logging.getLogger(__name__)
GOOD_ENOUGH: Final = 50
"""Of a photo with a lower mark the user is warned."""
_ENOUGH_PIXELS: Final = 80
"""Below this width of the face its pores and lashes are made up by enlarging."""


@dataclass(frozen=True, slots=True)
class PhotoAddress:
    """What `--face` says: a file and, where it ends in #N, which of its faces."""

    path: Path
    number: int | None = None
    """1 is the face furthest left; None takes the largest."""


@dataclass(frozen=True, slots=True, eq=False)
class SourcePhoto:
    """A photo that was read, and which of its faces is wanted."""

    address: PhotoAddress
    photo_bgr: BgrU8


def photo_address(text: str) -> PhotoAddress:
    """Read FILE or FILE#N; a file whose name really ends in #N is that file.

    Raises:
        PhotoError: there is no such file, or N is no number from 1 up.
    """
    whole = named_path(text)
    if whole.exists() or "#" not in text:
        return PhotoAddress(_existing(whole))
    name, _, number = text.rpartition("#")
    if not number.isdecimal() or int(number) < 1:
        raise PhotoError(
            f"There is no photo {text!r}, and what follows '#' should be the number of a face, counted from the left "
            f"from 1; found {number!r}."
        )
    return PhotoAddress(_existing(named_path(name)), int(number))


def public_domain_photo() -> Path:
    """Find the astronaut portrait (NASA, public domain) that scikit-image carries, without importing it.

    Raises:
        PhotoError: scikit-image came without its pictures.
    """
    package = importlib.util.find_spec("skimage")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / "data" / "astronaut.png"
        if path.is_file():
            return path
    raise PhotoError("The portrait that is used without --face is not installed; say --face PHOTO.")


def read_source_photo(address: PhotoAddress) -> SourcePhoto:
    """Read the photo.

    Raises:
        PhotoError: it cannot be read.
    """
    from mien.media.pictures import read_picture

    photo = read_picture(address.path)
    for note in photo.notes:
        _LOG.info(note)
    return SourcePhoto(address, photo.image_bgr)


def source_face_from(source_photos: Sequence[SourcePhoto]) -> SourceFace:
    """Find the wanted face in each photo of one person, the best photo first; 0.4 s for each.

    How good each is, and what would help, is told.

    Raises:
        PhotoError: a photo shows no face, or none of that number.
    """
    views = [(seen_face(one), one.address.path.name) for one in source_photos]
    ranked = best_first(views)
    for quality, _, name in ranked:
        _LOG.log(logging.INFO if quality.score >= GOOD_ENOUGH else logging.WARNING, quality.told(name))
    if len(ranked) > 1:
        _LOG.info("The best of %d photos is %s.", len(ranked), ranked[0][2])
    return SourceFace(tuple(view for _, view, _ in ranked))


def best_first(views: Sequence[tuple[FaceView, str]]) -> list[tuple[PhotoQuality, FaceView, str]]:
    """Mark photos, given with their names, and sort them."""
    marked = [(judged(view), view, name) for view, name in views]
    return sorted(marked, key=lambda one: (one[0].score, shown_px(one[1])), reverse=True)


def seen_face(source_photo: SourcePhoto) -> FaceView:
    """Find the wanted face in one photo.

    Raises:
        PhotoError: the photo shows no face, or none of that number.
    """
    from mien.tracking.photo import find_faces

    address = source_photo.address
    faces = find_faces(source_photo.photo_bgr)
    if not faces:
        raise PhotoError(
            f"No face was found in {str(address.path)!r}; take a photo in which a face looks into the camera, in good "
            "light, at least 256 pixels wide."
        )
    face = _chosen(faces, address, source_photo.photo_bgr.shape[1])
    if face.width_px < _ENOUGH_PIXELS:
        _LOG.warning(
            "The face in %s is only %.0f pixels wide; the swap will look soft. 256 or more look good.",
            address.path.name,
            face.width_px,
        )
    return FaceView(source_photo.photo_bgr, face)


def _chosen(faces: tuple[Face, ...], address: PhotoAddress, width: int) -> Face:
    """Take the face of the wanted number, else the largest, and say so where there are several."""
    from_left = sorted(faces, key=_centre_x)
    if address.number is not None:
        if address.number > len(faces):
            raise PhotoError(
                f"{str(address.path)!r} shows {_count(len(faces))}, so there is no number {address.number}; they are "
                "numbered from the left, from 1."
            )
        return from_left[address.number - 1]
    largest = faces[0]
    if len(faces) > 1:
        number = next(n for n, face in enumerate(from_left, start=1) if face is largest)
        _LOG.warning(
            "%s shows %s; the largest is taken, number %d from the left (%s). --face %s#N takes another.",
            address.path.name,
            _count(len(faces)),
            number,
            _place(largest, width),
            address.path.name,
        )
    return largest


def shown_px(view: FaceView) -> float:
    """How much of the face a view shows: pixels across it, less for a head that is turned away."""
    pose = view.face.pose
    return view.face.width_px * max(cos(radians(pose.yaw_deg)) * cos(radians(pose.pitch_deg)), 0.0)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise PhotoError(
            f"There is no photo {str(path)!r}; give the path of an image file that shows a face, or the name of a face "
            "of your library ('mien faces list')."
        )
    if not path.is_file():
        raise PhotoError(f"{str(path)!r} is not a file; give the path of an image file that shows a face.")
    return path


def _centre_x(face: Face) -> float:
    return float(face.box_xyxy[0] + face.box_xyxy[2]) / 2


def _count(faces: int) -> str:
    return "1 face" if faces == 1 else f"{faces} faces"


def _place(face: Face, width: int) -> str:
    """Say in words where a face is in a picture."""
    part = _centre_x(face) / width
    return "on the left" if part < 0.4 else "on the right" if part > 0.6 else "in the middle"
