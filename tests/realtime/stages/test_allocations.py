"""A frame that a network swaps asks the system for no large memory: what is large is made once."""

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from tests.onnx_networks import arcface_network, inswapper_network
from tests.stored_models import Shelf

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien.stages.swap import SwapStage
from mien.tracking.photo import find_faces
from mien_models.swappers._loader import Networks
from mien_models.types import Face, SourceFace, SwapOptions, as_u8

MOST_BYTES = 1_000_000
SCALE = 3


@pytest.mark.parametrize("boost", [1, 2])
def test_swap_and_compose_allocate_less_than_a_megabyte_at_a_time(tmp_path: Path, boost: int) -> None:
    store = Shelf(tmp_path / "models")
    store.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k.onnx"))
    store.put("tiny", inswapper_network(tmp_path / "tiny.onnx"))
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    photo = as_u8(np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)))
    small = find_faces(photo)[0]
    frame = as_u8(np.asarray(cv2.resize(photo, None, fx=SCALE, fy=SCALE)))  # a face of about 380 pixels
    face = Face(1, small.box_xyxy * SCALE, small.landmarks * SCALE, small.pose, small.score)
    swapper = Networks(store).swapper("tiny", SourceFace.of(photo, small), SwapOptions(boost=boost))
    swap, compose = SwapStage([swapper]), CompositeStage()

    def peak_bytes() -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        compose(swap(Frame(frame, 0, 0, (face,), (face,), (0,))))
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        peaks = [peak_bytes() for _ in range(6)]
    finally:
        tracemalloc.stop()
    # The sum of all that lives at one time is less than the bound for a single one. The first frame makes what stays.
    assert peaks[0] > MOST_BYTES
    assert max(peaks[2:]) < MOST_BYTES
