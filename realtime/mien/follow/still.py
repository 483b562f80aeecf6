"""Every face of a still photo, however large, small or turned; time matters less than in a live picture."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mien.follow.geometry import box_xyxy, head_pose, overlap, region_from_detection, region_from_landmarks
from mien.follow.networks import FaceNetworks, default_networks
from mien.follow.plausible import is_plausible
from mien.follow.search import covering
from mien_models.arrays import BgrU8, PointsF32
from mien_models.faces import DetectedFace, Face
from mien_models.regions import Region

_ALL_ROUND_DEG: Final = (0.0, -45.0, 45.0, -90.0, 90.0, -135.0, 135.0, 180.0)
_TILTED_DEG: Final = (0.0, -35.0, 35.0)
_MAX_REFINEMENTS: Final = 8
_SETTLED: Final = 0.02
"""Parts of its side by which a region may still move."""


@dataclass(frozen=True, slots=True)
class StillSettings:
    """How hard to look at a photo."""

    min_detection: float = 0.5
    """Detections below this score (0..1) are not looked at."""
    min_presence: float = 0.9
    """What the landmark network has to say (0..1) for a detection to count as a face."""
    same_face: float = 0.35
    """Two faces whose boxes overlap by more than this (intersection over union) are one."""
    min_face_px: float = 16.0
    """Narrower faces are not reported: there is nothing in them to work with."""
    smallest_view: float = 1 / 8
    """Side of the smallest squares searched, in parts of the photo's long side."""


def find_faces(
    image_bgr: BgrU8, networks: FaceNetworks | None = None, settings: StillSettings | None = None
) -> tuple[Face, ...]:
    """Find every face of a photo, largest first; ids count from 0.

    Looks at the whole picture in eight turns, then at overlapping parts of it; the smallest parts are searched only
    while nothing was found. Takes some 0.2 s, up to about 2 s for a photo without a face.

    Raises:
        ModelError: no networks were given and the default ones are missing or damaged.
    """
    networks = networks or default_networks()
    settings = settings or StillSettings()
    found: list[Face] = []
    for views in _search_plan(image_bgr.shape[1], image_bgr.shape[0], settings):
        detections = _detections(image_bgr, views, networks, settings)
        found.extend(_faces(image_bgr, detections, networks, settings))
        found = _distinct(found, settings)
        if found and len(views) > 1 and views[0].side_px <= max(image_bgr.shape[:2]) / 4:
            break
    found.sort(key=lambda face: -face.width_px)
    return tuple(replace(face, id=number) for number, face in enumerate(found))


def _search_plan(width: int, height: int, settings: StillSettings) -> Iterator[Sequence[Region]]:
    """Give groups of views, largest first."""
    long_side = float(max(width, height))
    for parts, rolls in ((1 / 2, _ALL_ROUND_DEG), (1.0, _ALL_ROUND_DEG), (2.0, _ALL_ROUND_DEG), (4.0, _TILTED_DEG)):
        yield tuple(covering(width, height, long_side / parts, rolls))
    parts = 8.0
    while parts <= 1 / settings.smallest_view:
        yield tuple(covering(width, height, long_side / parts, _TILTED_DEG))
        parts *= 2


def _detections(
    image_bgr: BgrU8, views: Iterable[Region], networks: FaceNetworks, settings: StillSettings
) -> list[DetectedFace]:
    """Look at every view; best first, one detection per place."""
    everything = [
        face
        for view in views
        for face in networks.detector.detect(image_bgr, min_score=settings.min_detection, region=view)
    ]
    kept: list[DetectedFace] = []
    for face in sorted(everything, key=lambda face: -face.score):
        if all(overlap(face.box_xyxy, other.box_xyxy) < settings.same_face for other in kept):
            kept.append(face)
    return kept


def _faces(
    image_bgr: BgrU8, detections: Iterable[DetectedFace], networks: FaceNetworks, settings: StillSettings
) -> Iterator[Face]:
    """Place landmarks from each detection's region, then from where the landmarks themselves say."""
    height, width = image_bgr.shape[:2]
    for detection in detections:
        region, landmarks, score = _refined(image_bgr, region_from_detection(detection), networks, settings)
        box = box_xyxy(landmarks)
        if (
            score >= settings.min_presence
            and box[2] - box[0] >= settings.min_face_px
            and is_plausible(landmarks, region, width, height)
        ):
            yield Face(0, box, landmarks, head_pose(landmarks), score)


def _refined(
    image_bgr: BgrU8, region: Region, networks: FaceNetworks, settings: StillSettings
) -> tuple[Region, PointsF32, float]:
    """Place landmarks again and again until the region that they give is the one they were found in."""
    landmarks, score = networks.landmarker.landmarks(image_bgr, region)
    for _ in range(_MAX_REFINEMENTS):
        following = region_from_landmarks(landmarks)
        moved = math.dist(following.centre_xy, region.centre_xy) + abs(following.side_px - region.side_px)
        if score < settings.min_presence / 2 or moved < _SETTLED * region.side_px:
            break
        region = following
        landmarks, score = networks.landmarker.landmarks(image_bgr, region)
    return region, landmarks, score


def _distinct(faces: Iterable[Face], settings: StillSettings) -> list[Face]:
    """Keep the first of those that lie on the same place."""
    kept: list[Face] = []
    for face in faces:
        if not any(_is_same_place(face, other, settings) for other in kept):
            kept.append(face)
    return kept


def _is_same_place(a: Face, b: Face, settings: StillSettings) -> bool:
    """Tell whether two faces are one: much overlap, or the middle of one inside the other (an eye taken for a face)."""
    if overlap(a.box_xyxy, b.box_xyxy) > settings.same_face:
        return True
    small, large = sorted((a.box_xyxy, b.box_xyxy), key=lambda box: float(box[2] - box[0]))
    middle = (small[:2] + small[2:]) / 2
    return bool((middle > large[:2]).all() and (middle < large[2:]).all())
