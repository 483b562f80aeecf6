"""The face mesh and its rasteriser."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_models.geometry.face_mesh import face_topology, rasterise, vertex_normals


def canonical_px(size: float = 100.0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The canonical head as landmarks: y down, z away from the camera, about `size` pixels wide."""
    return (face_topology().canonical_cm * [1, -1, -1] * size / 15.5 + [size * 0.7, size * 0.8, 0]).astype(np.float32)


def test_every_outward_normal_of_the_canonical_face_looks_forward_or_sideways() -> None:
    points = canonical_px()
    normals = vertex_normals(points, face_topology().triangles[:898])
    nose_tip = 4
    assert normals[nose_tip, 2] < -0.8
    assert (normals[:, 2] < 0.3).all()


def test_the_rim_surrounds_the_face_and_continues_the_atlas() -> None:
    topology = face_topology()
    rim = topology.with_rim(canonical_px())
    assert rim.shape == (504, 3)
    assert topology.atlas.min() >= 0
    assert topology.atlas.max() <= 1
    assert rim[468:, 0].min() < canonical_px()[:, 0].min()


@settings(max_examples=25, deadline=None)
@given(x=st.floats(10, 50), y=st.floats(10, 50), width=st.integers(64, 90), height=st.integers(64, 90))
def test_a_pixel_carries_the_position_of_its_own_centre(x: float, y: float, width: int, height: int) -> None:
    corners = np.array([[x - 9, y - 8, 0], [x - 7, y + 9, 2], [x + 9, y + 1, 5]], np.float32)
    attributes = np.column_stack([corners[:, :2] / 100, np.ones(3)]).astype(np.float32)
    drawn = rasterise(corners, np.array([[0, 1, 2]], np.int32), attributes, width=width, height=height)
    inside = drawn[..., 2] > 0.5
    rows, columns = np.nonzero(inside)
    assert len(rows) > 80
    np.testing.assert_allclose(drawn[inside][:, 0] * 100, columns, atol=0.1)
    np.testing.assert_allclose(drawn[inside][:, 1] * 100, rows, atol=0.1)


def test_what_faces_away_is_not_drawn_and_what_lies_behind_is_hidden() -> None:
    square = np.array([[5, 5, 0], [5, 25, 0], [25, 25, 0], [7, 8, 9], [7, 22, 9], [20, 22, 9]], np.float32)
    attributes = np.repeat(np.array([[0.2, 0, 1], [0.9, 0, 1]], np.float32), 3, axis=0)
    front_and_behind = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    drawn = rasterise(square, front_and_behind, attributes, width=30, height=30)
    assert drawn[..., 0].max() < 0.25
    turned = rasterise(square, front_and_behind[:, ::-1].copy(), attributes, width=30, height=30)
    assert turned.max() == 0
