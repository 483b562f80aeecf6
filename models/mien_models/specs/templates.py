"""Alignment templates: where the points of a face lie in the square crop that a network was trained with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from mien_models.errors import ModelError
from mien_models.specs.least_squares import Fit, matrix_between
from mien_models.types import AffineF64, PointsF32

FivePoints = tuple[tuple[float, float], ...]
_PointsF64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a face's unit square a crop shows: the square of `coverage` sides around its shifted middle."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    coverage: float = 1.0
    vertical_offset: float = 0.0
    """Below zero shows more of the forehead, in sides of the unit square."""
    follows_yaw: bool = False
    """Whether the middle goes with the back of a turned head, for networks that swap whole heads."""


@dataclass(frozen=True, slots=True)
class Template:
    """One way to align faces."""

    poses: tuple[FivePoints, ...]
    """From the head turned to the picture's left to the one turned right: left eye, right eye, nose, left and right
    corner of the mouth, left as seen in the picture; in parts of the crop's side."""
    extent: Extent = Extent()
    """What of the unit square the crop of `poses` shows."""
    follows_mesh: bool = False
    """Whether a face whose mesh is known is aligned by that: see `mien_models.geometry.alignment`."""

    @property
    def frontal(self) -> int:
        """Which pose looks straight."""
        return len(self.poses) // 2


TEMPLATES: Final[Mapping[str, Template]] = {
    # The frontal one of the five below, over 112 px.
    "arcface_112_v1": Template(
        (
            (
                (0.35473214, 0.45658929),
                (0.64526786, 0.45658929),
                (0.50000000, 0.61154464),
                (0.37913393, 0.77687500),
                (0.62086607, 0.77687500),
            ),
        )
    ),
    # SimSwap's and GHOST's: InsightFace's old template of five poses over 112 px, as those projects crop 224 px.
    "arcface_5pose": Template(
        (
            (
                (0.46108929, 0.44745536),
                (0.51443750, 0.44633929),
                (0.31910714, 0.61613393),
                (0.45675893, 0.79508929),
                (0.50915179, 0.80091071),
            ),
            (
                (0.40206250, 0.44748214),
                (0.58542857, 0.45421429),
                (0.35425893, 0.60813393),
                (0.40336607, 0.76955357),
                (0.57362500, 0.77462500),
            ),
            (
                (0.35473214, 0.45658929),
                (0.64526786, 0.45658929),
                (0.50000000, 0.61154464),
                (0.37913393, 0.77687500),
                (0.62086607, 0.77687500),
            ),
            (
                (0.41825893, 0.45421429),
                (0.60162500, 0.44748214),
                (0.64943750, 0.60813393),
                (0.43006250, 0.77462500),
                (0.60032143, 0.76955357),
            ),
            (
                (0.48925000, 0.44633929),
                (0.54259821, 0.44745536),
                (0.68458036, 0.61613393),
                (0.49453571, 0.80091071),
                (0.54693750, 0.79508929),
            ),
        )
    ),
    # InsightFace's `arcface_dst` over 112 px.
    "arcface_112_v2": Template(
        (
            (
                (0.34191607, 0.46157411),
                (0.65653393, 0.45983393),
                (0.50022500, 0.64050536),
                (0.37097589, 0.82469196),
                (0.63151696, 0.82325089),
            ),
        )
    ),
    # The same points moved right by 8 px, over 128 px: InsightFace's `estimate_norm` for multiples of 128.
    "arcface_128": Template(
        (
            (
                (0.36167656, 0.40387734),
                (0.63696719, 0.40235469),
                (0.50019687, 0.56044219),
                (0.38710391, 0.72160547),
                (0.61507734, 0.72034453),
            ),
        )
    ),
    # As the FFHQ photos are aligned: SimSwap of 512 px, and the networks that restore faces.
    "ffhq_512": Template(
        (
            (
                (0.37691676, 0.46864664),
                (0.62285697, 0.46912813),
                (0.50123859, 0.61331904),
                (0.39308822, 0.72541100),
                (0.61150205, 0.72490465),
            ),
        )
    ),
    # As MTCNN's points are aligned for HifiFace.
    "mtcnn_512": Template(
        (
            (
                (0.36562865, 0.46733799),
                (0.63305391, 0.46585885),
                (0.50019127, 0.61942959),
                (0.39032951, 0.77598822),
                (0.61178945, 0.77476328),
            ),
        )
    ),
    # DeepFaceLab's 'whole face'; the five points are for faces of which nothing else is known.
    "dfl_whole_face": Template(
        (
            (
                (0.35342266, 0.39285716),
                (0.62797622, 0.39285716),
                (0.48660713, 0.54017860),
                (0.38839287, 0.68750011),
                (0.59821427, 0.68750011),
            ),
        ),
        Extent(coverage=2.2, vertical_offset=-0.08),
        follows_mesh=True,
    ),
}
"""Where no source is named, the numbers are those of facefusion's table (`facefusion/face_helper.py`)."""

FACE_TYPES: Final[Mapping[str, Extent]] = {
    "full": Extent(coverage=1.6, vertical_offset=0.0),
    "whole_face": Extent(coverage=2.2, vertical_offset=-0.08),
    "head": Extent(coverage=3.2, vertical_offset=-0.58, follows_yaw=True),
}
"""How much of a face DeepFaceLab's models show: 'whole_face' and 'head' as DeepFaceLive cuts them, and 'full' as
DeepFaceLab's `FaceType.FULL` pads it (1 + 2 * sqrt(2) * 0.21)."""


def template_named(name: str) -> Template:
    """Give a template.

    Raises:
        ModelError: none has that name.
    """
    if name not in TEMPLATES:
        raise ModelError(f"No alignment template is called {name!r}. Choose one of: {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]


def template_points(
    template: str, size_px: float, *, offset_px: float = 0.0, pose: int | None = None, extent: Extent | None = None
) -> _PointsF64:
    """Give a template's points (5, 2) in pixels of a crop.

    Args:
        template: a name of `TEMPLATES`.
        size_px: the crop's side.
        offset_px: added to x and y; ReSwapper's networks above 128 px were trained with one.
        pose: which of its poses; the one that looks straight where it is None.
        extent: what the crop shows, where that is not what the template says.

    Raises:
        ModelError: no template has that name.
    """
    chosen = template_named(template)
    points = np.array(chosen.poses[chosen.frontal if pose is None else pose])
    if extent is not None:
        points = in_crop(in_unit(points, chosen.extent), extent)
    return points * size_px + offset_px


def in_unit(points: _PointsF64, extent: Extent) -> _PointsF64:
    """Take points (n, 2) from parts of a crop to the unit square of the face."""
    return (points - 0.5) * extent.coverage + 0.5 + (0.0, extent.vertical_offset)


def in_crop(points: _PointsF64, extent: Extent) -> _PointsF64:
    """Take points (n, 2) from the unit square of the face to parts of the crop."""
    return (points - 0.5 - (0.0, extent.vertical_offset)) / extent.coverage + 0.5


def pose_misfits(five_points: PointsF32 | _PointsF64, template: str) -> NDArray[np.float32]:
    """Say how badly each pose of a template fits: the five points' distances from it, in parts of the crop's side."""
    here, there = _complex(five_points.astype(np.float64)), _complex(np.array(template_named(template).poses))
    turn = (here.conj() * there).sum(axis=-1) / max(float((np.abs(here) ** 2).sum()), 1e-9)
    misses = np.abs(turn[:, None] * here - there).sum(axis=-1)
    return np.asarray(misses, np.float32)


def _complex(points: _PointsF64) -> NDArray[np.complex128]:
    """Write points (..., n, 2) around their mean as x + iy: a turn and a scale are one factor then."""
    away = points - points.mean(axis=-2, keepdims=True)
    return np.asarray(away[..., 0] + 1j * away[..., 1], np.complex128)


def crop_from_frame(
    five_points: PointsF32 | _PointsF64,
    template: str,
    size_px: int,
    *,
    offset_px: float = 0.0,
    fit: Fit = "similarity",
    pose: int | None = None,
    extent: Extent | None = None,
) -> AffineF64:
    """Give the 2x3 matrix that takes a frame's pixels to those of an aligned crop.

    Args:
        five_points: (5, 2) in pixels of the frame, in the order of a pose's.
        template: a name of `TEMPLATES`.
        size_px: the crop's side.
        offset_px: as in `template_points`.
        fit: 'similarity' turns, scales and moves, by least squares without mirroring (Umeyama 1991); 'affine' also
            shears, by least squares.
        pose: which of the template's poses; where it is None, the one that fits best, as the projects choose that have
            several.
        extent: as in `template_points`.

    Raises:
        ModelError: no template has that name, or all the points lie in one place.
    """
    if pose is None and len(template_named(template).poses) > 1:
        pose = int(pose_misfits(five_points, template).argmin())
    there = template_points(template, size_px, offset_px=offset_px, pose=pose, extent=extent)
    return matrix_between(five_points.astype(np.float64), there, fit)
