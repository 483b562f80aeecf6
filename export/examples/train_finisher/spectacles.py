"""Glasses drawn on a face, so that it is known to the pixel where they are.

They are built on the average head in centimetres and placed by the landmarks, so that they turn with the face.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology
from mien_models.types import BgrU8, PointsF32, as_f32

FINER: Final = 2
"""Masks are drawn so many times as large and made smaller: rims are a few pixels wide."""
SUBPIXEL: Final = 4
"""Bits behind the point of the corners that OpenCV draws between."""
FAR_SIDE_RAD: Final = 0.12
"""From this turn on the farther temple is hidden by the head."""


@dataclass(frozen=True, slots=True)
class Worn:
    """Glasses on a picture."""

    image_bgr: BgrU8
    rims: NDArray[np.float32]
    """(h, w) how much rims, bridge and temples cover each pixel, 0..1."""
    lenses: NDArray[np.float32]
    """(h, w) the same for the lenses."""


@dataclass(frozen=True, slots=True)
class Design:
    """A pair of glasses; lengths in centimetres, on the average head with y down and z away from the camera."""

    centre_cm: tuple[float, float, float]
    """Of the lens on the right of the picture."""
    half_cm: tuple[float, float]
    """Half of a lens' width and height."""
    corner: float
    """2 is an ellipse, more is squarer."""
    slant: float
    narrow_below: float
    rim_cm: float
    half_rim: bool
    double_bridge: bool
    temple_cm: tuple[float, float, float]
    """How far above the lens' middle a temple begins, how far out it ends, how much it falls."""
    colour_bgr: NDArray[np.float64]
    opacity: float


def random_design(rng: Generator) -> Design:
    """Draw a pair as people wear them: mostly dark, some brown, metal or gold."""
    centre = (rng.uniform(2.95, 3.5), -2.75 - rng.uniform(-0.35, 0.15), -5.2 - rng.uniform(0, 0.8))
    half = (min(rng.uniform(2.1, 3.0), centre[0] - 0.45), rng.uniform(1.5, 2.6))
    material = rng.choice(["dark", "brown", "metal", "gold", "any"], p=[0.42, 0.2, 0.16, 0.1, 0.12])
    metal = material in {"metal", "gold"}
    return Design(
        centre, half, float(rng.choice([2.0, 2.4, 3.0, 4.0, 6.0])), rng.uniform(-0.15, 0.3),
        rng.uniform(0, 0.35) if rng.random() < 0.4 else 0.0,
        rng.uniform(0.06, 0.2) if metal else rng.uniform(0.12, 0.55),
        bool(rng.random() < 0.18), bool(rng.random() < 0.12),
        (rng.uniform(0.2, 0.9), rng.uniform(7.3, 8.3), rng.uniform(-0.8, 0.8)), _colour(rng, str(material)),
        rng.uniform(0.85, 1),
    )  # fmt: skip


def _colour(rng: Generator, material: str) -> NDArray[np.float64]:
    if material == "dark":
        return np.asarray(rng.uniform(5, 45, 3))
    if material == "brown":
        return np.array([rng.uniform(10, 40), rng.uniform(25, 70), rng.uniform(50, 120)])
    if material == "metal":
        return np.asarray(np.full(3, rng.uniform(90, 190)) + rng.normal(0, 8, 3))
    if material == "gold":
        return np.array([rng.uniform(40, 90), rng.uniform(100, 160), rng.uniform(140, 205)])
    return np.asarray(rng.uniform(10, 230, 3))


def with_glasses(rng: Generator, image_bgr: BgrU8, landmarks: PointsF32, *, sun: bool = False) -> Worn:
    """Put glasses on a face: shadow, tint and reflections of the lenses, then the frame; `sun` darkens the lenses."""
    design = random_design(rng)
    place = _placing(landmarks)
    px_per_cm = float(np.linalg.norm(place[:2, 0]))
    rims, lenses = _drawn(rng, design, place, image_bgr.shape[:2])
    picture = as_f32(image_bgr)
    if rng.random() < 0.35:
        picture = picture * (1 - rng.uniform(0.15, 0.5) * _shadow(rng, rims, px_per_cm)[..., None])
    picture = _through_lenses(
        rng, _darkened(rng, as_f32(picture), lenses) if sun else as_f32(picture), lenses, design.centre_cm, place
    )
    light = float(np.clip(image_bgr.mean() / 110, 0.35, 1.3))
    shine = np.exp(rng.normal(0, 0.35, (6, 6))).astype(np.float32)
    shade = cv2.resize(shine, image_bgr.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None] * design.colour_bgr
    cover = rims[..., None] * design.opacity
    picture = picture * (1 - cover) + cover * np.clip(shade * light, 0, 255)
    return Worn(np.clip(picture + 0.5, 0, 255).astype(np.uint8), rims, lenses)


def _placing(landmarks: PointsF32) -> NDArray[np.float64]:
    """Fit (3, 4) that takes the average head, y down and z away, to the landmarks."""
    head = face_topology().canonical_cm * np.array([1, -1, -1], np.float32)
    fitted = np.linalg.lstsq(np.column_stack([head, np.ones(len(head))]), landmarks, rcond=None)[0]
    return np.asarray(fitted, np.float64).T


def _drawn(
    rng: Generator, design: Design, place: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw frame and lenses: two (h, w) masks, 0..1."""
    height, width = shape
    frame, lens = (np.zeros((height * FINER, width * FINER), np.uint8) for _ in range(2))
    px_per_cm = float(np.linalg.norm(place[:2, 0]))

    def line(points_cm: NDArray[np.float64], wide_cm: float, *, closed: bool = False) -> None:
        wide = max(1, round(wide_cm * px_per_cm * FINER))
        cv2.polylines(frame, [_corners(points_cm, place)], closed, (255,), wide, cv2.LINE_AA, SUBPIXEL)

    for side in (-1, 1):
        rim = _rim(design, side)
        cv2.fillPoly(lens, [_corners(rim, place)], (255,), cv2.LINE_AA, SUBPIXEL)
        upper = rim[: len(rim) // 2 + 1]
        line(upper if design.half_rim else rim, design.rim_cm, closed=not design.half_rim)
        if rng.random() < 0.5:
            line(upper[4:-4], design.rim_cm * rng.uniform(1, 1.8))
    for bridge in _bridges(rng, design):
        line(bridge, design.rim_cm * rng.uniform(0.7, 1.2))
    yaw_rad = float(np.arctan2(place[2, 0], place[0, 0]))
    for side in (-1, 1):
        if side * yaw_rad <= FAR_SIDE_RAD:
            line(_temple(rng, design, side), design.rim_cm * rng.uniform(0.8, 1.8))
    small = (cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) for mask in (frame, lens))
    rims, lenses = (as_f32(as_f32(mask) / 255) for mask in small)
    return rims, lenses


def _corners(points_cm: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.int32]:
    at = points_cm @ place[:2, :3].T + place[:2, 3]
    return np.asarray(np.round(((at + 0.5) * FINER - 0.5) * (1 << SUBPIXEL)), np.int32)


def _rim(design: Design, side: int) -> NDArray[np.float64]:
    """Give a lens' outline, its upper half first: (64, 3) on a superellipse."""
    turn = -np.linspace(0, 2 * np.pi, 64, endpoint=False)
    across, down = (np.sign(wave) * np.abs(wave) ** (2 / design.corner) for wave in (np.cos(turn), np.sin(turn)))
    below = np.maximum(down, 0)
    x = across * design.half_cm[0] * (1 - design.narrow_below * below)
    y = down * design.half_cm[1] * (1 + 0.3 * design.slant * across * (down < 0))
    x_cm = design.centre_cm[0] + x
    columns = (side * x_cm, design.centre_cm[1] + y, design.centre_cm[2] + 0.02 * x_cm**2)
    return np.stack(columns, axis=1)


def _bridges(rng: Generator, design: Design) -> list[NDArray[np.float64]]:
    along = np.linspace(-1, 1, 12)
    gap_cm = design.centre_cm[0] - design.half_cm[0] + 0.05
    arch = 1 - along**2
    y_cm = design.centre_cm[1] - rng.uniform(0, 0.6)
    lower = np.c_[along * gap_cm, y_cm - rng.uniform(0, 0.4) * arch, design.centre_cm[2] - 0.25 * arch]
    return [lower, lower - [0, rng.uniform(0.5, 0.9), 0]] if design.double_bridge else [lower]


def _temple(rng: Generator, design: Design, side: int) -> NDArray[np.float64]:
    above, out, fall = design.temple_cm
    y_cm, outer = design.centre_cm[1] - above, design.centre_cm[0] + 0.98 * design.half_cm[0]
    hinge = np.array([side * outer, y_cm, design.centre_cm[2] + 0.9])
    bend, ear = np.array([side * (out - 0.4), y_cm, -2.0]), np.array([side * out, y_cm + fall, 3.0])
    share = np.linspace(0, 1, 10)[:, None]
    line = np.vstack([hinge + (bend - hinge) * share, bend + (ear - bend) * share[1:]])
    line[:, 0] += side * rng.uniform(0, 0.9) * np.linspace(0, 1, len(line))  # a near camera's perspective
    return np.asarray(line, np.float64)


def _shadow(rng: Generator, rims: NDArray[np.float32], px_per_cm: float) -> NDArray[np.float32]:
    shift = np.array([[1, 0, rng.uniform(-0.3, 0.3) * px_per_cm], [0, 1, rng.uniform(0.2, 0.7) * px_per_cm]])
    moved = cv2.warpAffine(rims, shift, rims.shape[::-1])
    return as_f32(cv2.GaussianBlur(moved, (0, 0), max(0.3, rng.uniform(0.1, 0.4) * px_per_cm)))


def _darkened(rng: Generator, picture: NDArray[np.float32], lenses: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put sunglasses' lenses before the eyes: dark, lighter below, sometimes of a strong hue."""
    height = picture.shape[0]
    hue = rng.uniform(0, 60, 3) if rng.random() < 0.6 else rng.uniform(0, 200, 3)
    lighter = np.linspace(0, rng.uniform(0, 0.5), height, dtype=np.float32)[:, None]
    share = (lenses * (rng.uniform(0.75, 1) - lighter * rng.random()))[..., None]
    return as_f32(picture * (1 - share) + share * hue)


def _through_lenses(
    rng: Generator,
    picture: NDArray[np.float32],
    lenses: NDArray[np.float32],
    centre_cm: tuple[float, float, float],
    place: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Tint what lies behind the lenses, and let a window or a lamp be reflected in them."""
    px_per_cm = float(np.linalg.norm(place[:2, 0]))
    share = lenses[..., None]
    if rng.random() < 0.4:
        depth = rng.uniform(0.03, 0.3) if rng.random() < 0.8 else rng.uniform(0.3, 0.7)
        tint = rng.uniform(0, 255, 3) * rng.uniform(0.2, 1)
        picture = as_f32(picture * (1 - share * depth) + share * depth * tint)
    if rng.random() < 0.4:
        down, across = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        at = place[:2, :3] @ [rng.uniform(-4, 4), centre_cm[1] + rng.uniform(-1, 1), centre_cm[2]] + place[:2, 3]
        off_cm = ((across - at[0]) * np.cos(angle) + (down - at[1]) * np.sin(angle)) / px_per_cm
        band = np.exp(-((off_cm / rng.uniform(0.2, 1.2)) ** 4))[..., None] * share * rng.uniform(0.1, 0.7)
        picture = as_f32(picture + band * (rng.uniform(200, 255, 3) - picture))
    return picture
