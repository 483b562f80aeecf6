"""Eyes whose lids were closed by a known part, and where eyeball and iris are: what the network of eyes learns from.

The truth is that of Mien's finer landmarker, which sees lids and irises on large and clear pictures; what is learned
from is smaller, in worse light, and blinks, which no picture of the stock does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from camera_faults import rephotographed
from numpy.random import Generator
from numpy.typing import NDArray
from people import Person, people_of
from spectacles import with_glasses

from mien.tracking.geometry import Extent
from mien_models.geometry.crop import NetworkInput, cut_patch
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT
from mien_models.library.builtin import open_session, read_manifest
from mien_models.networks.eyes import IRIS_PX, ROWS, SIDE_PX, SIZE, eye_region
from mien_models.types import AffineF64, BgrU8, PointsF32, as_f32, as_u8

FINER: Final = 3
"""Eyes are made at so many times the network's resolution."""
AROUND: Final = 1.4
"""And cut so much larger than it looks at, so that they can be moved."""
RADIUS_PX: Final = (2.0, 12.0)
"""The radius of an iris in a camera's picture."""
GLASSES: Final = 0.2
"""Part of the faces that wear some."""
RETAKEN: Final = 0.7
"""Part of the pictures that are taken by another camera."""
BLINKS: Final = 0.55
"""Part of the eyes whose lids are moved; half of these are closed."""
LID: Final = 0.12
"""A lid that is let down is lighter or darker than the skin above it by so much, a logarithm's standard deviation."""
DYED: Final = 0.35
"""Part of the irises that get another colour."""
LOOKS: Final = 2
"""How often the finer landmarker looks."""
IRISES: Final = (468, 473)
"""Its points in the middle of the irises; the four that follow are on their outlines."""
SEEN: Final = 0.2
"""Of an iris less of which is seen, nothing is said."""


@dataclass(frozen=True, slots=True, eq=False)
class EyeExamples:
    """What is learned from."""

    eyes: NDArray[np.uint8]
    """(n, h, w, 3)."""
    truth: NDArray[np.uint8]
    """(n, h, w, 2) eyeball and iris, 0..255."""
    held_back: NDArray[np.bool_]
    """Which are of people who are for trying only."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One eye, cut out large."""

    bgr: BgrU8
    upper: NDArray[np.float32]
    """(columns,) the height of the upper lid's edge, in pixels."""
    lower: NDArray[np.float32]
    iris: tuple[float, float, float]
    """x, y and radius."""


def eye_examples(rng: Generator, media: Path, kept: Path, each: int, say: Callable[[str], None]) -> EyeExamples:
    """Make examples of everybody's eyes, `each` times."""
    rows = list(_rows(rng, people_of(media, kept, say), each, say))
    eyes, truth, held_back = zip(*rows, strict=True)
    return EyeExamples(np.stack(eyes), np.stack(truth), np.array(held_back))


class Teacher:
    """The landmarker with 478 points, irises included."""

    def __init__(self) -> None:
        manifest = read_manifest("facemesh_478")
        self._session = open_session(manifest)
        self._input = NetworkInput(manifest.input)
        self._points = manifest.outputs[0].name

    def __call__(self, picture: BgrU8, landmarks: PointsF32) -> PointsF32:
        """Give (478, 2) points of a face that is known to be about there."""
        points = landmarks
        for _ in range(LOOKS):
            region = Extent.of(as_f32(points[:468])).region()
            patch = cut_patch(picture, region, self._input.size_px, border=cv2.BORDER_REPLICATE)
            found = as_f32(self._session.run(self._input.feed(patch.image_bgr))[self._points].reshape(-1, 3))
            there = patch.points_in_frame(as_f32(found[:, :2] - np.float32(0.5)))
            points = as_f32(np.column_stack([there, found[:, 2] * patch.scale]))
        return as_f32(points[:, :2])


def _rows(
    rng: Generator, people: list[Person], each: int, say: Callable[[str], None]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], bool]]:
    teacher = Teacher()
    for number, person in enumerate(people):
        picture = person.picture()
        points = teacher(picture, person.landmarks)
        for _ in range(each):
            shown = picture
            if rng.random() < GLASSES:
                shown = with_glasses(rng, picture, person.landmarks, sun=False).image_bgr
            for side in (0, 1):
                yield *example(rng, cut_eye(shown, person.landmarks, points, side)), person.is_held_back
        if number % 100 == 0:
            say(f"eyes of {number} of {len(people)} people")


def cut_eye(picture: BgrU8, landmarks: PointsF32, points: PointsF32, side: int) -> Eye:
    """Cut one eye out, as the left one."""
    size_px = round(SIDE_PX * FINER * AROUND)
    patch = cut_patch(picture, eye_region(landmarks, side).scaled(AROUND), size_px, border=cv2.BORDER_REPLICATE)
    patch_from_frame = cv2.invertAffineTransform(patch.frame_from_patch)
    placed = points @ patch_from_frame[:, :2].T + patch_from_frame[:, 2]
    bgr = patch.image_bgr
    if side == 1:
        bgr, placed[:, 0] = as_u8(np.ascontiguousarray(bgr[:, ::-1])), size_px - 1 - placed[:, 0]
    outline = placed[list(EYE_LEFT if side == 0 else EYE_RIGHT)]  # outer corner, above, inner corner, below
    columns = np.arange(size_px, dtype=np.float32)
    upper, lower = (
        _edge(columns, outline[order]) for order in (np.arange(9), np.array([0, 15, 14, 13, 12, 11, 10, 9, 8]))
    )
    centre, *around = placed[IRISES[side] : IRISES[side] + 5]
    radius = float(np.linalg.norm(np.array(around) - centre, axis=1).mean())
    return Eye(bgr, np.minimum(upper, lower), lower, (float(centre[0]), float(centre[1]), radius))


def _edge(columns: NDArray[np.float32], points: NDArray[np.floating]) -> NDArray[np.float32]:
    order = np.argsort(points[:, 0])
    return as_f32(np.interp(columns, points[order, 0], points[order, 1], left=np.nan, right=np.nan))


def example(rng: Generator, eye: Eye) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Show an eye as a camera might: (40, 56, 3), and eyeball and iris in it, (40, 56, 2), 0..255."""
    truth = truth_of(eye)
    bgr = _dyed(rng, eye.bgr, truth) if rng.random() < DYED else eye.bgr
    if rng.random() < BLINKS:
        share = max(0.0, float(rng.uniform(-0.8, 0.85)))
        eye = closed(replace(eye, bgr=bgr), share, lighter=exp(rng.normal(0, LID)))
        bgr, truth = eye.bgr, truth_of(eye)
    picture = rephotographed(rng, bgr, strength=0.9, gently=False) if rng.random() < RETAKEN else bgr
    radius_px = exp(rng.uniform(log(RADIUS_PX[0]), log(RADIUS_PX[1])))
    small = min(1.0, radius_px / (IRIS_PX * FINER))
    taken = as_u8(cv2.resize(picture, None, fx=small, fy=small, interpolation=cv2.INTER_AREA))
    taken = as_u8(cv2.resize(taken, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    matrix = _moved(rng, len(bgr))
    shown, wanted = (
        cv2.warpAffine(cv2.GaussianBlur(image, (0, 0), 1.0), matrix, SIZE[::-1], borderMode=cv2.BORDER_REPLICATE)
        for image in (taken, truth)
    )
    return as_u8(shown), as_u8(wanted)


def closed(eye: Eye, share: float, *, lighter: float = 1.0) -> Eye:
    """Let the upper lid down until so much of the opening is left: the skin above is stretched, the eyeball stays."""
    size = len(eye.bgr)
    rows = np.arange(size, dtype=np.float32)[:, None]
    known = np.isfinite(eye.upper)
    upper, lower = np.where(known, eye.upper, 0), np.where(known, eye.lower, 0)
    height = float(np.nanmax(eye.lower - eye.upper))
    lowered = as_f32(lower - share * (lower - upper))
    above = upper - (0.9 * height + 0.1 * size)
    stretched = above + (rows - above) * (upper - above) / np.maximum(lowered - above, 1)
    source = np.where((rows > above) & (rows < lowered) & known, stretched, rows)
    columns = np.tile(np.arange(size, dtype=np.float32), (size, 1))
    bgr = cv2.remap(eye.bgr, columns, as_f32(source), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lid = as_f32(cv2.GaussianBlur(as_f32((rows > upper) & (rows < lowered) & known), (0, 0), 0.05 * size))[..., None]
    shaded = np.clip(bgr * (1 + (lighter - 1) * lid) + 0.5, 0, 255).astype(np.uint8)
    return Eye(shaded, as_f32(np.where(known, lowered, np.nan)), eye.lower, eye.iris)


def truth_of(eye: Eye) -> NDArray[np.uint8]:
    """Draw eyeball and iris: (n, n, 2)."""
    size = len(eye.bgr)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    with np.errstate(invalid="ignore"):
        depth = np.minimum(y - eye.upper[None], eye.lower[None] - y)
    ball = np.nan_to_num(np.clip(depth + 0.5, 0, 1), nan=0.0)
    centre_x, centre_y, radius = eye.iris
    disc = np.clip(radius + 0.5 - np.hypot(x - centre_x, y - centre_y), 0, 1)
    if (disc * ball).sum() < SEEN * disc.sum():
        disc = np.zeros_like(disc)
    return np.ascontiguousarray((np.dstack([ball, disc]) * 255 + 0.5).astype(np.uint8))


def _dyed(rng: Generator, bgr: BgrU8, truth: NDArray[np.uint8]) -> BgrU8:
    """Give the iris another colour."""
    where = as_f32(cv2.GaussianBlur((truth[..., 0] / 255.0) * (truth[..., 1] / 255.0), (0, 0), 1.5))[..., None]
    gain = np.exp(rng.normal(0, 0.3, 3) + rng.normal(0.1, 0.5)).astype(np.float32)
    return as_u8(np.clip(bgr + where * (bgr * (gain - 1)) + 0.5, 0, 255).astype(np.uint8))


def _moved(rng: Generator, size_px: int) -> AffineF64:
    """Take a large cut-out to the network's, off by a little as landmarks are."""
    angle, scale = rng.normal(0, 0.05), exp(rng.normal(0, 0.07)) / FINER
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([(SIZE[1] - 1) / 2, (SIDE_PX - 1) / 2 - ROWS.start]) + rng.normal(0, 1.2, 2)
    return np.column_stack([turn, middle - turn @ np.full(2, (size_px - 1) / 2)])
