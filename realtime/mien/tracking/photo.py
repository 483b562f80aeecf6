"""The faces of a still photo, however large, small or turned, and the one face in it that is the source face."""

import importlib.util
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import cos, radians
from pathlib import Path
from typing import Final

from mien.tracking.geometry import box_xyxy, head_pose, overlap
from mien.tracking.landmark_fit import FaceNetworks, LandmarkFitter, default_networks
from mien.tracking.photo_quality import PhotoQuality, judged
from mien.tracking.scan import covering
from mien.tracking.settings import LookSettings
from mien_models.errors import PhotoError
from mien_models.geometry.crop import Region
from mien_models.system.folders import named_path
from mien_models.system.sentence import sentence
from mien_models.types import BgrU8, DetectedFace, Face, FaceView, SourceFace

_ALL_ROUND_DEG: Final = (0.0, -45.0, 45.0, -90.0, 90.0, -135.0, 135.0, 180.0)
_TILTED_DEG: Final = (0.0, -35.0, 35.0)


@dataclass(frozen=True, slots=True)
class PhotoScanSettings:
    """How hard to look at a photo."""

    same_face: float = 0.35
    """Two faces whose boxes overlap by more than this (intersection over union) are one."""
    min_face_px: float = 16.0
    """Narrower faces are not reported: there is nothing in them to work with."""
    smallest_view: float = 1 / 8
    """Side of the smallest squares searched, in parts of the photo's long side."""
    wants_largest: bool = False
    """Whether a face that is the only one in large parts is enough: small ones behind it are not looked for then."""
    look: LookSettings = field(default_factory=LookSettings)


def find_faces(
    image_bgr: BgrU8, networks: FaceNetworks | None = None, settings: PhotoScanSettings | None = None
) -> tuple[Face, ...]:
    """Find every face of a photo, largest first; ids count from 0.

    Looks at the whole picture in eight turns, then at overlapping parts of it; the smallest parts are searched only
    while nothing was found. Takes some 0.2 s, up to about 2 s for a photo without a face.

    Raises:
        ModelError: no networks were given and the default ones are missing or damaged.
    """
    settings = settings or PhotoScanSettings()
    fitter = LandmarkFitter(networks or default_networks(), settings.look)
    found: list[Face] = []
    for views in _search_plan(image_bgr.shape[1], image_bgr.shape[0], settings):
        detections = _detections(image_bgr, views, fitter, settings)
        found.extend(_faces(image_bgr, detections, fitter, settings))
        found = _distinct(found, settings)
        side = views[0].side_px / max(image_bgr.shape[:2])
        if found and len(views) > 1 and side <= (1 / 2 if settings.wants_largest and len(found) == 1 else 1 / 4):
            break
    found.sort(key=lambda face: -face.width_px)
    return tuple(replace(face, id=number) for number, face in enumerate(found))


def _search_plan(width: int, height: int, settings: PhotoScanSettings) -> Iterator[Sequence[Region]]:
    """Give groups of views, largest first."""
    long_side = float(max(width, height))
    if long_side < settings.min_face_px:
        return
    for parts, rolls in ((1 / 2, _ALL_ROUND_DEG), (1.0, _ALL_ROUND_DEG), (2.0, _ALL_ROUND_DEG), (4.0, _TILTED_DEG)):
        yield tuple(covering(width, height, long_side / parts, rolls))
    parts = 8.0
    while parts <= 1 / settings.smallest_view and long_side / parts >= settings.min_face_px:
        yield tuple(covering(width, height, long_side / parts, _TILTED_DEG))
        parts *= 2


def _detections(
    image_bgr: BgrU8, views: Iterable[Region], fitter: LandmarkFitter, settings: PhotoScanSettings
) -> list[DetectedFace]:
    """Look at every view; best first, one detection per place."""
    everything = [face for view in views for face in fitter.detections(image_bgr, view)]
    kept: list[DetectedFace] = []
    for face in sorted(everything, key=lambda face: -face.score):
        if all(overlap(face.box_xyxy, other.box_xyxy) < settings.same_face for other in kept):
            kept.append(face)
    return kept


def _faces(
    image_bgr: BgrU8, detections: Iterable[DetectedFace], fitter: LandmarkFitter, settings: PhotoScanSettings
) -> Iterator[Face]:
    """Place the landmarks of every detection that holds a face."""
    for detection in detections:
        landmark_fit = fitter.new_face(image_bgr, detection)
        if landmark_fit is None:
            continue
        box = box_xyxy(landmark_fit.landmarks)
        if box[2] - box[0] >= settings.min_face_px:
            yield Face(0, box, landmark_fit.landmarks, head_pose(landmark_fit.landmarks), landmark_fit.score)


def _distinct(faces: Iterable[Face], settings: PhotoScanSettings) -> list[Face]:
    """Keep the first of those that lie on the same place."""
    kept: list[Face] = []
    for face in faces:
        if not any(_is_same_place(face, other, settings) for other in kept):
            kept.append(face)
    return kept


def _is_same_place(a: Face, b: Face, settings: PhotoScanSettings) -> bool:
    """Tell whether two faces are one: much overlap, or the middle of one inside the other (an eye taken for a face)."""
    if overlap(a.box_xyxy, b.box_xyxy) > settings.same_face:
        return True
    small, large = sorted((a.box_xyxy, b.box_xyxy), key=lambda box: float(box[2] - box[0]))
    middle = (small[:2] + small[2:]) / 2
    return bool((middle > large[:2]).all() and (middle < large[2:]).all())


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
    address = source_photo.address
    faces = find_faces(
        source_photo.photo_bgr, settings=PhotoScanSettings(wants_largest=source_photo.address.number is None)
    )
    if not faces:
        raise PhotoError(
            sentence(
                "No face was found in {photo}; take a photo in which a face looks into the camera, in good light, at "
                "least 256 pixels wide.",
                photo=repr(str(address.path)),
            )
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
            sentence(
                "There is no photo {photo}; give the path of an image file that shows a face, or the name of a face of "
                "your library ('mien faces list').",
                photo=repr(str(path)),
            )
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
