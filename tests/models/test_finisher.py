"""What the finishing network is given and what is made of its answer, with networks that add a known number."""

from pathlib import Path

import numpy as np
import pytest
from tests.onnx_networks import finishing_network

from mien_models.errors import ModelError
from mien_models.library.builtin import load_finisher
from mien_models.networks.finisher import Composed, may_change, numbers, user_finisher
from mien_models.types import MaskU8


def face(trust: MaskU8 | None = None) -> Composed:
    places = np.zeros((64, 64, 2), np.float32)
    places[16:48, 16:48] = 0.5
    bgr, frame = np.full((128, 128, 3), (51, 102, 204), np.uint8), np.full((128, 128, 3), 153, np.uint8)
    return Composed(bgr, np.full((128, 128), 255, np.uint8), frame, places, trust)


def test_each_plane_stands_where_the_trainer_puts_it() -> None:
    trust = np.zeros((32, 32), np.uint8)
    trust[12:20, 12:20] = 255
    given = numbers(face(trust))[0, :, 64, 64] + 0.5
    assert np.allclose(given, [0.2, 0.4, 0.8, 1, 0.6, 0.6, 0.6, 0.5, 0.5, 1], atol=0.01)
    beside = numbers(face(trust))[0, :, 2, 2] + 0.5
    assert np.allclose(beside[7:], 0)


def test_a_face_of_which_all_is_known_is_trusted_on_the_mesh() -> None:
    trusted = numbers(face())[0, 9] + 0.5
    assert trusted[64, 64] == 1
    assert trusted[2, 2] == 0


def test_nothing_is_added_far_from_the_mesh(tmp_path: Path) -> None:
    finisher = user_finisher(finishing_network(tmp_path / "f.onnx", bias=-0.05))
    added = finisher.added(face())
    assert np.allclose(added[64, 64], (0.6 - 0.5 - 0.05) * 255, atol=0.5)
    assert not added[:8].any()
    assert may_change(face().places)[64, 64] == 1


@pytest.mark.parametrize(
    ("made", "said"), [({"side_px": 64}, "10 planes of 128 x 128 px"), ({"bias": float("nan")}, "no change of a pic")]
)
def test_another_network_is_refused_with_what_was_expected(tmp_path: Path, made: dict[str, float], said: str) -> None:
    path = finishing_network(tmp_path / "f.onnx", **made)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=said):
        user_finisher(path)


def test_the_network_that_comes_with_mien_changes_a_face_and_no_more_than_a_little() -> None:
    added = load_finisher().added(face())
    assert 0 < np.abs(added).max() < 255
