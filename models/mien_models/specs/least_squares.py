"""The turn, scale and shift, or the whole affine map, that takes points nearest to others."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.types import AffineF64

Fit = Literal["similarity", "affine"]
_PointsF64 = NDArray[np.float64]


def matrix_between(here: _PointsF64, there: _PointsF64, fit: Fit = "similarity") -> AffineF64:
    """Give the 2x3 matrix that takes points (n, 2) as near to others as its kind allows, by least squares.

    Raises:
        ModelError: all the points lie in one place, or on one line for 'affine'.
    """
    here_mean, there_mean = here.mean(axis=0), there.mean(axis=0)
    x, y = (here - here_mean).T
    u, v = (there - there_mean).T
    if fit == "affine":
        linear = _affine(x, y, u, v)
    else:
        spread = float((x * x + y * y).sum())
        if spread <= 0:
            raise ModelError("The points of a face lie in one place, so it cannot be aligned.")
        # In two dimensions Umeyama's answer is a complex division: sum(conj(here) * there) / sum(|here|^2).
        cos, sin = float((x * u + y * v).sum()) / spread, float((x * v - y * u).sum()) / spread
        linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, there_mean - (linear * here_mean).sum(axis=1)])


def _affine(x: _PointsF64, y: _PointsF64, u: _PointsF64, v: _PointsF64) -> _PointsF64:
    """Solve the two least-squares problems (x, y) -> u and (x, y) -> v by their normal equations."""
    xx, xy, yy = float((x * x).sum()), float((x * y).sum()), float((y * y).sum())
    determinant = xx * yy - xy * xy
    if determinant <= 1e-9 * max(xx * yy, 1e-9):
        raise ModelError("The points of a face lie on one line, so it cannot be aligned.")
    rows = [
        (
            (yy * float((x * w).sum()) - xy * float((y * w).sum())) / determinant,
            (xx * float((y * w).sum()) - xy * float((x * w).sum())) / determinant,
        )
        for w in (u, v)
    ]
    return np.array(rows)
