"""Alignment templates: where the five points of a face lie in the square crop that a network was trained with."""

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import AffineF64, PointsF32
from mien_models.errors import ModelError

FivePoints = tuple[tuple[float, float], ...]
Fit = Literal["similarity", "affine"]

TEMPLATES: Final[Mapping[str, FivePoints]] = {
    # The frontal one of the five poses of SimSwap's old InsightFace template, of 112 px.
    "arcface_112_v1": (
        (0.35473214, 0.45658929),
        (0.64526786, 0.45658929),
        (0.50000000, 0.61154464),
        (0.37913393, 0.77687500),
        (0.62086607, 0.77687500),
    ),
    # InsightFace's `arcface_dst` over 112 px.
    "arcface_112_v2": (
        (0.34191607, 0.46157411),
        (0.65653393, 0.45983393),
        (0.50022500, 0.64050536),
        (0.37097589, 0.82469196),
        (0.63151696, 0.82325089),
    ),
    # The same points moved right by 8 px, over 128 px: InsightFace's `estimate_norm` for multiples of 128.
    "arcface_128": (
        (0.36167656, 0.40387734),
        (0.63696719, 0.40235469),
        (0.50019687, 0.56044219),
        (0.38710391, 0.72160547),
        (0.61507734, 0.72034453),
    ),
    # As the FFHQ photos are aligned, for the networks that restore faces.
    "ffhq_512": (
        (0.37691676, 0.46864664),
        (0.62285697, 0.46912813),
        (0.50123859, 0.61331904),
        (0.39308822, 0.72541100),
        (0.61150205, 0.72490465),
    ),
    # As MTCNN's points are aligned for HifiFace.
    "mtcnn_512": (
        (0.36562865, 0.46733799),
        (0.63305391, 0.46585885),
        (0.50019127, 0.61942959),
        (0.39032951, 0.77598822),
        (0.61178945, 0.77476328),
    ),
    # DeepFaceLab's 'whole face'.
    "dfl_whole_face": (
        (0.35342266, 0.39285716),
        (0.62797622, 0.39285716),
        (0.48660713, 0.54017860),
        (0.38839287, 0.68750011),
        (0.59821427, 0.68750011),
    ),
}
"""Left eye, right eye, nose, left and right corner of the mouth, left as seen in the picture; in parts of the side.

The numbers are those of facefusion's table (`facefusion/face_helper.py`), which agree with the sources named above.
"""


def template_points(template: str, size_px: float, *, offset_px: float = 0.0) -> NDArray[np.float64]:
    """Give a template's points (5, 2) in pixels of a crop.

    Args:
        template: a name of `TEMPLATES`.
        size_px: the crop's side.
        offset_px: added to x and y; ReSwapper's networks above 128 px were trained with one.

    Raises:
        ModelError: no template has that name.
    """
    if template not in TEMPLATES:
        raise ModelError(f"No alignment template is called {template!r}. Choose one of: {', '.join(TEMPLATES)}.")
    return np.array(TEMPLATES[template]) * size_px + offset_px


def crop_from_frame(
    five_points: PointsF32 | NDArray[np.float64],
    template: str,
    size_px: int,
    *,
    offset_px: float = 0.0,
    fit: Fit = "similarity",
) -> AffineF64:
    """Give the 2x3 matrix that takes a frame's pixels to those of an aligned crop.

    Args:
        five_points: (5, 2) in pixels of the frame, in the order of `TEMPLATES`.
        template: a name of `TEMPLATES`.
        size_px: the crop's side.
        offset_px: as in `template_points`.
        fit: 'similarity' turns, scales and moves, by least squares without mirroring (Umeyama 1991); 'affine' also
            shears, by least squares.

    Raises:
        ModelError: no template has that name, or all the points lie in one place.
    """
    there = template_points(template, size_px, offset_px=offset_px)
    here = five_points.astype(np.float64)
    here_mean, there_mean = here.mean(axis=0), there.mean(axis=0)
    x, y = (here - here_mean).T
    u, v = (there - there_mean).T
    if fit == "affine":
        linear = _affine(x, y, u, v)
    else:
        spread = float((x * x + y * y).sum())
        if spread <= 0:
            raise ModelError("The five points of a face lie in one place, so it cannot be aligned.")
        # In two dimensions Umeyama's answer is a complex division: sum(conj(here) * there) / sum(|here|^2).
        cos, sin = float((x * u + y * v).sum()) / spread, float((x * v - y * u).sum()) / spread
        linear = np.array([[cos, -sin], [sin, cos]])
    moved = there_mean - (linear * here_mean).sum(axis=1)
    return np.column_stack([linear, moved])


def _affine(
    x: NDArray[np.float64], y: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve the two least-squares problems (x, y) -> u and (x, y) -> v by their normal equations."""
    xx, xy, yy = float((x * x).sum()), float((x * y).sum()), float((y * y).sum())
    determinant = xx * yy - xy * xy
    if determinant <= 1e-9 * max(xx * yy, 1e-9):
        raise ModelError("The five points of a face lie on one line, so it cannot be aligned.")
    rows = [
        (
            (yy * float((x * w).sum()) - xy * float((y * w).sum())) / determinant,
            (xx * float((y * w).sum()) - xy * float((x * w).sum())) / determinant,
        )
        for w in (u, v)
    ]
    return np.array(rows)
