"""Masks from the user's ONNX file."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.onnx_networks import affine_network, bisenet_network, xseg_network

from mien.stages.mask import MASKS
from mien_models.errors import ModelError, UsageError
from mien_models.types import BgrU8, Face, HeadPose, as_u8

MAKERS: list[tuple[str, Callable[[Path], Path]]] = [("xseg", xseg_network), ("bisenet", bisenet_network)]


def face() -> Face:
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[[33, 133], 0], landmarks[[263, 362], 0] = 80, 120
    landmarks[:, 1] = 100
    return Face(1, np.array([50, 40, 150, 160], np.float32), landmarks, HeadPose(0, 0, 0), 1.0)


def frame() -> BgrU8:
    """A grey person with something black in front of the right half."""
    image = np.full((200, 200, 3), 150, np.uint8)
    image[:, 110:] = 0
    return image


@pytest.mark.parametrize(("name", "network"), MAKERS)
def test_what_the_network_does_not_call_a_face_is_masked_where_it_is(
    name: str, network: Callable[[Path], Path], tmp_path: Path
) -> None:
    mask = MASKS.load(name).make(str(network(tmp_path / "tiny.onnx"))).mask(frame(), face(), captured_ns=0)
    assert mask is not None
    drawn = as_u8(cv2.warpAffine(mask.image, mask.frame_from_mask, (200, 200)))
    assert drawn[80:120, 60:100].min() > 250
    assert drawn[80:120, 120:140].max() < 5


@pytest.mark.parametrize("name", [name for name, _ in MAKERS])
def test_a_missing_or_another_network_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"FILE\.onnx"):
        MASKS.parse(name)
    make = MASKS.load(name).make
    with pytest.raises(ModelError, match="nowhere"):
        make(str(tmp_path / "nowhere.onnx"))
    with pytest.raises(ModelError, match="other"):
        make(str(affine_network(tmp_path / "other.onnx", 64, 1, 0)))
