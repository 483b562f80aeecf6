"""What a network's masks do: their product counts, and what a network blended by itself is not blended again."""

from pathlib import Path

import numpy as np
import pytest
from tests.onnx_networks import arcface_network, whitening_network
from tests.stored_models import Shelf

from mien.stages.composite import Paster
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, SourceFace, SwapOptions


def opacity(store: Shelf, name: str, photo: BgrU8, face: Face) -> float:
    """How much of what the network gives is seen around the nose, 0..1: it goes nine tenths of the way to white."""
    swapped = Networks(store).swapper(name, SourceFace.of(photo, face), SwapOptions()).swap(photo, face, captured_ns=0)
    composed = photo.copy()
    Paster().paste(composed, swapped)
    x, y = face.landmarks[4, :2].astype(int)
    around = np.s_[y - 6 : y + 6, x - 6 : x + 6]
    before, after = photo[around].astype(float), composed[around].astype(float)
    return float(((after - before) / (255 - before)).mean() / 0.9)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9, 1.0])
def test_a_network_that_blends_inside_keeps_the_opacity_that_it_chose(
    level: float, tmp_path: Path, photo: BgrU8, face: Face
) -> None:
    store = Shelf(tmp_path / "models")
    store.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k.onnx"))
    store.put("hyper", whitening_network(tmp_path / "hyper.onnx", masks={"mask": level}, blends=True))
    assert opacity(store, "hyper", photo, face) == pytest.approx(level, abs=0.02)


def test_where_such_a_networks_mask_is_closed_the_frame_stays(tmp_path: Path, photo: BgrU8, face: Face) -> None:
    store = Shelf(tmp_path / "models")
    store.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k.onnx"))
    store.put("hyper", whitening_network(tmp_path / "hyper.onnx", masks={"mask": 0.0}, blends=True))
    swapped = (
        Networks(store).swapper("hyper", SourceFace.of(photo, face), SwapOptions()).swap(photo, face, captured_ns=0)
    )
    assert not swapped.alpha.any()


def test_of_two_masks_the_product_counts(tmp_path: Path, photo: BgrU8, face: Face) -> None:
    store = Shelf(tmp_path / "models")
    masks = {"out_face_mask:0": 0.5, "out_celeb_face_mask:0": 0.6}
    store.put("two", whitening_network(tmp_path / "two.dfm", masks=masks, blends=False))
    store.put("one", whitening_network(tmp_path / "one.dfm", masks={"out_face_mask:0": 0.5}, blends=False))
    assert opacity(store, "two", photo, face) == pytest.approx(0.3, abs=0.02)
    assert opacity(store, "one", photo, face) == pytest.approx(0.5, abs=0.02)
