"""Irises in the photo's colours on the eyes of whoever wears it: where they look, blink and shine stays theirs.

An iris is described by its mean colour at each distance from its middle, in parts of what is white in the eye, so that
neither the photo's nor the frame's light is taken along. On the frame the wearer's own description is taken off and
the photo's put on; what a pixel has besides, a glint, a lash, the lid's shadow, stays.
"""

from dataclasses import dataclass
from math import exp, hypot, pi, sqrt
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.networks.eyes import IRIS_PX, EyeLook
from mien_models.types import BgrU8, Retouch, as_f32

RINGS: Final = 14
"""An iris is described by its mean colour in so many rings,"""
FINE_RINGS: Final = 96
"""between which so many are interpolated,"""
REACH: Final = 1.15
"""up to so far from its middle, in parts of its radius."""
EDGE: Final = (0.92, 1.12)
"""From where to where the photo's colour ends."""
LIKELY: Final = (0.75, 1.3)
"""An iris is no smaller and no larger than this, in parts of what is expected."""
SEEN: Final = (0.3, 0.55)
"""How much of an iris must be seen: below the first it is left alone, above the second it is coloured fully."""
KNOWN: Final = 0.45
"""So much of a photo's iris must be seen for its colour to be known."""
PHOTO_PX: Final = 4.0
"""A photo must show its irises so large."""
WHITE: Final = (70.0, 97.0)
"""The white of an eye is between these percentiles of what is seen of it: lashes are darker, glints are lighter."""
DARKER: Final = 0.75
"""An iris is darker than this part of the white beside it; where it seems not to be, that is no white."""
SKIN: Final = 0.05
"""Where the eyeball is less surely seen than this, there is skin."""
OF_SKIN: Final = 0.8
"""The white of an eye is no darker than this part of the skin around it, where it is not in the lid's shadow."""
GLINT: Final = 1.5
"""What is lighter than the iris by this factor is a glint in it."""
PUPIL: Final = 0.45
"""A pupil is no larger, in parts of the iris' radius."""
LIGHT: Final = (0.75, 0.35)
"""What is lighter than the first, from the iris to the white, is no iris: lids and glints; below the second all is."""
INSIDE: Final = 0.85
"""Rings from the pupil to here, in parts of the radius, are the iris' alone."""
FEWEST_PIXELS: Final = 8
MEASURED_EVERY_S: Final = 0.1
"""The wearer's own irises are measured no more often,"""
MEASURED_PX: Final = 7.0
"""on so many pixels for a radius,"""
WHITE_REACH: Final = (2.6, 1.2)
"""the white of the eye up to so many radii beside and above the middle,"""
BALL: Final = 0.6
"""where so surely the eyeball is seen."""
SETTLING_S: Final = 0.6
"""Time constant with which the wearer's own irises are followed."""


@dataclass(frozen=True, slots=True, eq=False)
class IrisColour:
    """How an iris looks."""

    rings_bgr: NDArray[np.float32]
    """(RINGS, 3) from the middle outwards, in 8-bit levels."""
    white_bgr: NDArray[np.float32]
    """(3,) the white of the eye in the same light."""

    def under(self, white_bgr: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give its rings in the light under which the white of an eye is this."""
        return as_f32(self.rings_bgr / np.maximum(self.white_bgr, 8) * white_bgr)


@dataclass(frozen=True, slots=True, eq=False)
class _Iris:
    """Where an iris is in a picture."""

    look: EyeLook
    x: float
    y: float
    radius_px: float
    seen: float
    """How much of it is seen, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """The part of a picture around an iris, or some of its pixels."""

    bgr: BgrU8
    left: int
    top: int
    far: NDArray[np.float32]
    """(h, w) how far each pixel is from the iris' middle, in parts of its radius."""
    open: NDArray[np.float32]
    """(h, w) how surely each pixel shows the eyeball."""


def iris_colour(photo_bgr: BgrU8, looks: tuple[EyeLook, EyeLook]) -> IrisColour | None:
    """Say which colour a photo's irises have; None where it shows none well enough."""
    found = [iris for iris in map(_iris, looks) if iris is not None]
    known = [iris for iris in found if iris.seen > KNOWN and iris.radius_px > PHOTO_PX]
    colours = [(colour, iris.seen) for iris in known if (colour := _colour(photo_bgr, iris)) is not None]
    if not colours:
        return None
    white = np.full(3, 255, np.float32)
    rings = np.average([colour.under(white) for colour, _ in colours], axis=0, weights=[seen for _, seen in colours])
    return IrisColour(as_f32(rings), white)


class IrisFilter:
    """Colours one wearer's irises; keeps what their own look like."""

    def __init__(self) -> None:
        """Begin without knowing them."""
        self._own: list[IrisColour | None] = [None, None]
        self._unseen_s = [MEASURED_EVERY_S, MEASURED_EVERY_S]
        """How long ago each was measured."""

    def retouches(
        self,
        frame_bgr: BgrU8,
        looks: tuple[EyeLook, EyeLook],
        wanted: IrisColour,
        *,
        strength: float,
        elapsed_s: float,
    ) -> tuple[Retouch, ...]:
        """Give the irises of a frame in the photo's colour, to a strength of 0..1."""
        done: list[Retouch] = []
        for eye, look in enumerate(looks):
            self._unseen_s[eye] += elapsed_s
            iris = _iris(look)
            if iris is None or iris.seen < SEEN[0]:
                continue
            own = self._measured(frame_bgr, eye, iris)
            around = _around(frame_bgr, iris, (REACH, REACH))
            if own is not None and around is not None:
                is_seen = (iris.seen - SEEN[0]) / (SEEN[1] - SEEN[0])
                done.append(_coloured(around, own, wanted, strength * min(is_seen, 1.0)))
        return tuple(done)

    def _measured(self, frame_bgr: BgrU8, eye: int, iris: _Iris) -> IrisColour | None:
        """Give the wearer's own colour, measured anew now and then."""
        own = self._own[eye]
        if own is None or self._unseen_s[eye] >= MEASURED_EVERY_S:
            own = self._own[eye] = _followed(own, _colour(frame_bgr, iris), self._unseen_s[eye])
            self._unseen_s[eye] = 0.0
        return own


def _iris(look: EyeLook) -> _Iris | None:
    """Say where an iris is; None where none is seen."""
    area = float(look.iris.sum())
    if area < 1:
        return None
    radius = float(np.clip(sqrt(area / pi) / IRIS_PX, *LIKELY)) * IRIS_PX
    rows, columns = (np.arange(side, dtype=np.float32) for side in look.iris.shape)
    middle = np.array([look.iris.sum(axis=0) @ columns, look.iris.sum(axis=1) @ rows]) / area
    x, y = (look.frame_from_eye[:, :2] @ middle + look.frame_from_eye[:, 2]).tolist()
    seen = float((look.open * look.iris).sum()) / (pi * radius * radius)
    return _Iris(look, x, y, radius * hypot(*look.frame_from_eye[:, 0]), min(seen, 1.0))


def _around(image_bgr: BgrU8, iris: _Iris, reach: tuple[float, float], step: int = 1) -> _Around | None:
    """Cut out what is so many radii beside and above an iris; None where next to nothing of it is in the picture."""
    height, width = image_bgr.shape[:2]
    x, y, beside, above = iris.x, iris.y, reach[0] * iris.radius_px, reach[1] * iris.radius_px
    left, top = max(0, int(x - beside)), max(0, int(y - above))
    right, bottom = min(width, int(x + beside) + 2), min(height, int(y + above) + 2)
    if right - left < 3 or bottom - top < 3:
        return None
    bgr = image_bgr[top:bottom:step, left:right:step]
    part_from_eye = (iris.look.frame_from_eye - np.array([[0, 0, left], [0, 0, top]], np.float64)) / step
    opened = as_f32(cv2.warpAffine(iris.look.open, part_from_eye, bgr.shape[1::-1], flags=cv2.INTER_LINEAR))
    across = np.arange(left, right, step, dtype=np.float32) - np.float32(x)
    down = np.arange(top, bottom, step, dtype=np.float32) - np.float32(y)
    far = as_f32(np.hypot(across[None], down[:, None]) / np.float32(iris.radius_px))
    return _Around(bgr, left, top, far, opened)


def _colour(image_bgr: BgrU8, iris: _Iris) -> IrisColour | None:
    """Describe an iris; None where too little of it or of the white beside it is seen, or in shadow."""
    around = _around(image_bgr, iris, WHITE_REACH, max(1, round(iris.radius_px / MEASURED_PX)))
    if around is None:
        return None
    ball = around.open > BALL
    white, inside = around.bgr[ball & (around.far > REACH)], ball & (around.far < REACH)
    if len(white) < FEWEST_PIXELS or np.count_nonzero(inside) < FEWEST_PIXELS:
        return None
    white_bgr = _white(white, around.bgr[around.open < SKIN])
    rings = _rings(as_f32(around.bgr[inside]), around.far[inside])
    return IrisColour(rings, white_bgr) if rings[: RINGS // 2].mean() < DARKER * white_bgr.mean() else None


def _rings(colours: NDArray[np.float32], far: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the colours of an iris' pixels, (n, 3), in each ring: (RINGS, 3)."""
    light = colours.mean(axis=1)
    is_glint = (light > GLINT * np.median(light)) & (far < EDGE[0])
    weights = np.where(is_glint, np.float32(0.02), np.float32(1))
    at = np.minimum((far * (RINGS / REACH)).astype(np.intp), RINGS - 1)
    columns = [weights, *(weights * colours[:, channel] for channel in range(3))]
    sums = as_f32(np.stack([np.bincount(at, column, RINGS) for column in columns], axis=1))
    smooth = as_f32(cv2.GaussianBlur(sums, (1, 5), sigmaX=1, sigmaY=0.9, borderType=cv2.BORDER_REFLECT))
    return _pupil_darkest(as_f32(smooth[:, 1:] / np.maximum(smooth[:, :1], 1e-3)))


def _pupil_darkest(rings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let no ring of the pupil be lighter than the next one out: what is lighter there is the rest of a glint."""
    pupil = rings.copy()
    for ring in range(round(PUPIL / REACH * RINGS), -1, -1):
        if pupil[ring].sum() > pupil[ring + 1].sum():
            pupil[ring] = pupil[ring + 1]
    return as_f32(pupil)


def _white(white: NDArray[np.uint8], skin: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Say what the white of an eye would be without the lid's shadow and without the lids' hue: (3,).

    Half of its hue is that of the lids, which shine on it.
    """
    lights = white.mean(axis=1)
    low, high = np.percentile(lights, WHITE)
    mean = as_f32(white[(lights >= low) & (lights <= high)].mean(axis=0))
    neutral = np.sqrt(np.maximum(mean, 1) * np.float32(mean.mean()))
    usual = OF_SKIN * float(np.median(skin)) if skin.size else 0.0
    return as_f32(neutral * max(1.0, usual / max(float(mean.mean()), 1.0)))


def _followed(own: IrisColour | None, now: IrisColour | None, elapsed_s: float) -> IrisColour | None:
    if own is None or now is None:
        return own or now
    share = np.float32(1 - exp(-elapsed_s / SETTLING_S))
    rings = as_f32(own.rings_bgr + share * (now.rings_bgr - own.rings_bgr))
    return IrisColour(rings, as_f32(own.white_bgr + share * (now.white_bgr - own.white_bgr)))


def _coloured(around: _Around, own: IrisColour, wanted: IrisColour, strength: float) -> Retouch:
    """Put the wanted rings in the place of a wearer's own."""
    table = as_f32(np.column_stack([own.rings_bgr.mean(axis=1), wanted.under(own.white_bgr)]))
    table = as_f32(cv2.resize(table, (4, FINE_RINGS), interpolation=cv2.INTER_LINEAR))
    here = table[np.minimum((around.far * (FINE_RINGS / REACH)).astype(np.intp), FINE_RINGS - 1)]
    before, after = here[..., 0], here[..., 1:]
    pixels = as_f32(around.bgr)
    light = as_f32(cv2.transform(pixels, np.full((1, 3), 1 / 3, np.float32)))
    darker, lighter = np.minimum(light / np.maximum(before, 2), 1), np.maximum(light - before, 0)
    shown = after * darker[..., None] + lighter[..., None]
    share = around.open * np.float32(strength) * _is_dark(light, own)
    share *= np.clip((EDGE[1] - around.far) / (EDGE[1] - EDGE[0]), 0, 1)
    bgr = pixels + share[..., None] * (shown - pixels) + np.float32(0.5)
    where = np.where(share > 0.01, 255, 0).astype(np.uint8)
    return Retouch(np.clip(bgr, 0, 255).astype(np.uint8), where, around.left, around.top)


def _is_dark(light: NDArray[np.float32], own: IrisColour) -> NDArray[np.float32]:
    """Say how surely what is so light is an iris, and neither lid nor glint: 0..1."""
    white = max(float(own.white_bgr.mean()), 1.0)
    iris = float(own.rings_bgr[round(RINGS * PUPIL / REACH) : round(RINGS * INSIDE / REACH)].mean(axis=1).max())
    limit, full = (iris + part * (white - iris) for part in LIGHT)
    return as_f32(np.clip((limit - light) / max(limit - full, 4.0), 0, 1))
