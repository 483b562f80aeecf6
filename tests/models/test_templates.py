"""Alignment templates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien_models.errors import ModelError
from mien_models.specs.least_squares import Fit
from mien_models.specs.templates import TEMPLATES, crop_from_frame, template_points


@given(
    name=st.sampled_from(sorted(TEMPLATES)),
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.1, 20),
    x=st.floats(-500, 2000),
    y=st.floats(-500, 2000),
)
def test_a_turned_scaled_and_moved_template_is_brought_back(
    name: str, angle: float, scale: float, x: float, y: float
) -> None:
    points = template_points(name, 256)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    frame_from_crop = np.array([[cos, -sin, x], [sin, cos, y]])
    here = (frame_from_crop[:, :2] @ points.T).T + np.array([x, y])
    for fit in ("similarity", "affine"):
        matrix = crop_from_frame(here, name, 256, fit=fit)
        both = np.vstack([matrix, (0, 0, 1)]) @ np.vstack([frame_from_crop, (0, 0, 1)])
        assert np.allclose(both, np.eye(3), atol=1e-4 * (1 + abs(x) + abs(y)) / scale)


# Its reference uses a name that scikit-image is about to drop.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("size_px", "template"), [(112, "arcface_112_v2"), (224, "arcface_112_v2"), (128, "arcface_128")]
)
def test_it_is_insightfaces_alignment(size_px: int, template: str) -> None:
    face_align = pytest.importorskip("insightface.utils.face_align")
    points = np.array([[310, 240], [405, 232], [362, 300], [325, 355], [410, 349]], np.float32)
    ours = crop_from_frame(points, template, size_px)
    assert np.abs(ours - face_align.estimate_norm(points, size_px)).max() < 2e-3


def test_no_similarity_is_better() -> None:
    random = np.random.default_rng(3)
    here = template_points("ffhq_512", 300) + random.normal(0, 12, (5, 2))
    there = template_points("ffhq_512", 512)

    def loss(matrix: np.ndarray) -> float:
        return float((((matrix[:, :2] @ here.T).T + matrix[:, 2] - there) ** 2).sum())

    best = crop_from_frame(here.astype(np.float32), "ffhq_512", 512)
    for _ in range(200):
        a, b = random.normal(0, 0.01, 2)
        other = best + np.array([[a, -b, random.normal()], [b, a, random.normal()]])
        assert loss(other) >= loss(best) - 1e-3


@pytest.mark.parametrize("fit", ["similarity", "affine"])
def test_points_in_one_place_are_refused(fit: Fit) -> None:
    with pytest.raises(ModelError, match="cannot be aligned"):
        crop_from_frame(np.ones((5, 2), np.float32), "ffhq_512", 512, fit=fit)


def test_an_unknown_template_names_the_choices() -> None:
    with pytest.raises(ModelError, match="arcface_128"):
        crop_from_frame(np.ones((5, 2), np.float32), "ffhq", 512)
