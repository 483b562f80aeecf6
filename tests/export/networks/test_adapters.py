"""The live program gives what torch gives: every architecture, from the frame to the composed picture.

The reference is written out here once more, with torch in the place of ONNX Runtime, scikit-image's alignment, and a
blend in floating point.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform
from tests.onnx_networks import arcface_network, crossface_network
from tests.stored_models import Shelf
from torch import nn

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien_export.contracts import ARCHITECTURES
from mien_export.graph import GraphOptions, loaded, write_onnx
from mien_export.seeded import seeded_checkpoint
from mien_models.specs.network import SwapSpec
from mien_models.specs.templates import template_points
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, FaceView, SourceFace, SwapOptions, SwappedFace, as_u8

SWAPPERS = [
    ("reswapper", "128"),
    ("reswapper", "256"),
    ("hyperswap", "256"),
    ("ghost", "1-block"),
    ("simswap", "224"),
    ("simswap", "512-beta"),
    ("simswap", "512-unofficial"),
    ("mobilefaceswap", "224"),
]
IDENTITIES = ("arcface_w600k_r50", "arcface_r100_glint360k", "arcface_simswap")
CONVERTERS = ("crossface_ghost", "crossface_simswap")


def aligned(photo: BgrU8, face: Face, spec: SwapSpec) -> tuple[BgrU8, NDArray[np.float64]]:
    size_px = spec.crop.size_px
    cut_px = spec.crop.cut_px or size_px
    there = template_points(spec.crop.template, cut_px, offset_px=spec.crop.shift_px)
    if spec.crop.fit == "affine":
        here = np.column_stack([face.five_points, np.ones(5)])
        matrix = np.linalg.lstsq(here, there, rcond=None)[0].T
    else:
        matrix = SimilarityTransform.from_estimate(face.five_points, there).params[:2]
    border = cv2.BORDER_REPLICATE if spec.crop.border == "replicate" else cv2.BORDER_CONSTANT
    crop = cv2.warpAffine(photo, matrix, (cut_px, cut_px), flags=cv2.INTER_LINEAR, borderMode=border)
    if cut_px != size_px:
        crop = cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    scale = size_px / cut_px
    resized = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    return as_u8(crop), np.asarray(resized[:, :2] @ matrix + np.column_stack([np.zeros((2, 2)), resized[:, 2]]))


def composed(photo: BgrU8, swapped: SwappedFace) -> NDArray[np.float64]:
    result = CompositeStage()(Frame(photo, 0, 0, swapped=(swapped,))).composed
    assert result is not None
    return result.before_marks().astype(np.float64)


def blended(
    photo: BgrU8, crop_bgr: NDArray[np.float64], alpha: NDArray[np.uint8], matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Blend in floating point: the crop weighted by its alpha, both warped alike."""
    size = photo.shape[1::-1]
    part = alpha[..., None] / 255.0
    weighted = np.asarray(cv2.warpAffine(crop_bgr * part, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
    opaque = np.asarray(cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))[..., None]
    return np.asarray(photo * (1 - opaque) + weighted, np.float64)


def answer(deployed: nn.Module, given: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Run torch on one picture and give what it paints, (h, w, 3) RGB."""
    outputs: Any = deployed(*[torch.from_numpy(np.ascontiguousarray(one)) for one in given])
    painted: Any = outputs if hasattr(outputs, "permute") else outputs[0]
    return np.asarray(painted[0].permute(1, 2, 0).numpy(), np.float64)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "variant"), SWAPPERS)
def test_a_seeded_network_swaps_as_torch_does(
    name: str, variant: str, photo: BgrU8, face: Face, tmp_path: Path
) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, seed=3)
    identity_map = (
        torch.randn(512, 512, generator=torch.Generator().manual_seed(1)) / 8 if name == "reswapper" else None
    )
    store = Shelf(tmp_path / "models")
    for identity in IDENTITIES:
        store.put(identity, arcface_network(tmp_path / f"{identity}.onnx"))
    for converter in CONVERTERS:
        store.put(converter, crossface_network(tmp_path / f"{converter}.onnx"))
    stored = store.put("net", write_onnx(network, state, tmp_path / "net.onnx", GraphOptions(1, identity_map)))
    spec = stored.manifest.network
    assert isinstance(spec, SwapSpec)
    networks = Networks(store)
    swapped = networks.swapper("net", SourceFace.of(photo, face), SwapOptions()).swap(photo, face, captured_ns=0)

    crop_bgr, matrix = aligned(photo, face, spec)
    numbers = crop_bgr[..., ::-1] * np.array(spec.crop.scale) + np.array(spec.crop.offset)
    given = {spec.names.target: numbers.transpose(2, 0, 1)[None].astype(np.float32)}
    if spec.names.source is not None:
        given[spec.names.source] = networks.identities.vector([FaceView(photo, face)], spec.identity, stored)
    deployed = network.deployed(loaded(network, state), identity_map).eval()
    picture = answer(deployed, [given[port.name] for port in network.inputs])
    expected = np.clip(picture * spec.output.scale + spec.output.offset, 0, 255)[..., ::-1]

    assert expected.std() > 3, "the reference shows something"
    assert np.abs(swapped.crop_bgr - expected).max() <= 1
    assert np.abs(composed(photo, swapped) - blended(photo, expected, swapped.alpha, matrix)).max() <= 4
    assert np.abs(composed(photo, swapped) - blended(photo, expected, swapped.alpha, matrix)).mean() <= 0.5
