"""Every face of a still photo, however large, small or turned; time matters less than in a live picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mien.tracking.geometry import box_xyxy, head_pose, overlap
from mien.tracking.landmark_fit import LandmarkFitter
from mien.tracking.networks import FaceNetworks, default_networks
from mien.tracking.scan import covering
from mien.tracking.settings import LookSettings
from mien_models.geometry.crop import Region
from mien_models.types import BgrU8, DetectedFace, Face

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
        if found and len(views) > 1 and views[0].side_px <= max(image_bgr.shape[:2]) / 4:
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
