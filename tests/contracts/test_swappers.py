"""Every swapper there is, on a real face: the public-domain astronaut.

The mesh swapper, and a network of every family that gives back the pixels it was given.
"""

import dataclasses

import cv2
import numpy as np
import pytest
from tests.contracts.test_families import OUTLINES
from tests.onnx_networks import arcface_network, crossface_network, unchanging_network
from tests.stored_models import Shelf

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien_models.architectures._registry import recognise
from mien_models.interfaces import Swapper, SwapperFactory
from mien_models.plugins import Plugins
from mien_models.specs.network import SwapSpec
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, SourceFace, SwapOptions, SwappedFace, as_u8

SWAPPERS: Plugins[SwapperFactory] = Plugins("mien_models.swappers", "swapper")
SPECS = {
    f"{family}-{number}-{answer}": spec
    for family, graphs in OUTLINES.items()
    for number, graph in enumerate(graphs)
    for answer, spec in recognise(graph, family).specs.items()
    if isinstance(spec, SwapSpec) and spec.identity.map != "file"
}
IDENTITIES = ("arcface_w600k_r50", "arcface_r100_glint360k", "arcface_simswap")
CONVERTERS = ("crossface_ghost", "crossface_simswap", "crossface_hififace")


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Networks:
    folder = tmp_path_factory.mktemp("networks")
    store = Shelf(folder / "models")
    for name in IDENTITIES:
        store.put(name, arcface_network(folder / f"{name}.onnx"))
    for name in CONVERTERS:
        store.put(name, crossface_network(folder / f"{name}.onnx"))
    for name, spec in SPECS.items():
        # The map of inswapper's identity has a test of its own; here no constant is that large.
        unmapped = dataclasses.replace(spec, identity=dataclasses.replace(spec.identity, map="none"))
        store.put(name, unchanging_network(folder / f"{name}.onnx", unmapped))
    return Networks(store)


@pytest.fixture(params=[*SWAPPERS.names(), *SPECS])
def swapper(request: pytest.FixtureRequest, photo: BgrU8, face: Face, networks: Networks) -> Swapper:
    source, name = SourceFace.of(photo, face), str(request.param)
    if name in SPECS:
        return networks.swapper(name, source, SwapOptions())
    return SWAPPERS.load(name)(source, SwapOptions())


def in_frame(swapped: SwappedFace, frame_bgr: BgrU8) -> np.ndarray:
    """The alpha in its place: (height, width) of the frame."""
    return np.asarray(cv2.warpAffine(swapped.alpha, swapped.frame_from_crop, frame_bgr.shape[1::-1]))


def composed(swapped: SwappedFace, frame_bgr: BgrU8) -> np.ndarray:
    result = CompositeStage()(Frame(frame_bgr, 0, 0, swapped=(swapped,))).composed
    assert result is not None
    return result.before_marks().astype(int)


def placed_at(photo: BgrU8, face: Face, x: int, y: int) -> tuple[BgrU8, Face]:
    """The photo moved over a grey frame of the same size, and the face in its new place."""
    frame = np.full_like(photo, 96)
    height, width = photo.shape[:2]
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    cv2.warpAffine(photo, matrix, (width, height), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
    moved = face.landmarks + np.array([x, y, 0], np.float32)
    box = face.box_xyxy + np.array([x, y, x, y], np.float32)
    return frame, Face(face.id, box, moved, face.pose, face.score)


def test_a_swap_covers_the_face_and_nothing_beyond_its_surroundings(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    swapped = swapper.swap(photo, face, captured_ns=0)
    assert swapped.face_id == face.id
    rows, columns = np.nonzero(in_frame(swapped, photo) > 127)
    grown = 0.5 * face.width_px  # a mask that is open everywhere ends at the crop's border
    assert columns.min() > face.box_xyxy[0] - grown
    assert columns.max() < face.box_xyxy[2] + grown
    assert rows.min() > face.box_xyxy[1] - grown
    assert rows.max() < face.box_xyxy[3] + grown
    assert len(rows) > 0.4 * (face.width_px**2)


def test_wearing_ones_own_face_changes_little(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    swapped = swapper.swap(photo, face, captured_ns=0)
    difference = (composed(swapped, photo) - photo)[in_frame(swapped, photo) > 250]
    # The tone as a whole is the colour method's business; the photo's light is exchanged for the frame's, coarsely.
    assert np.median(np.abs(difference - np.median(difference, axis=0))) <= 12
    assert np.abs(np.median(difference, axis=0)).max() <= 15


def test_frame_and_landmarks_are_only_read(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    frame, landmarks = photo.copy(), face.landmarks.copy()
    swapper.swap(frame, face, captured_ns=0)
    np.testing.assert_array_equal(frame, photo)
    np.testing.assert_array_equal(face.landmarks, landmarks)


@pytest.mark.parametrize(("x", "y"), [(-230, 0), (300, 0), (0, -130), (0, 420), (-400, -400)])
def test_a_face_over_the_frames_edge_is_swapped_as_far_as_it_is_seen(
    swapper: Swapper, photo: BgrU8, face: Face, x: int, y: int
) -> None:
    frame, moved = placed_at(photo, face, x, y)
    swapped = swapper.swap(frame, moved, captured_ns=0)
    assert swapped.crop_bgr.shape[:2] == swapped.alpha.shape


def test_the_same_frame_gives_the_same_swap(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    first = swapper.swap(photo, face, captured_ns=0)
    again = swapper.swap(photo, face, captured_ns=33_000_000)
    assert np.abs(first.crop_bgr.astype(int) - again.crop_bgr).max() <= 1
    np.testing.assert_array_equal(first.alpha, again.alpha)


def test_a_forgotten_face_starts_anew(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    first = swapper.swap(photo, face, captured_ns=0)
    swapper.swap(as_u8(photo // 3), face, captured_ns=33_000_000)
    swapper.forget(face.id)
    swapper.forget(face.id)
    anew = swapper.swap(photo, face, captured_ns=66_000_000)
    np.testing.assert_array_equal(first.crop_bgr, anew.crop_bgr)


def test_a_crop_is_given_away(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    first = swapper.swap(photo, face, captured_ns=0)
    crop, alpha = first.crop_bgr.copy(), first.alpha.copy()
    swapper.swap(as_u8(255 - photo), face, captured_ns=33_000_000)
    np.testing.assert_array_equal(first.crop_bgr, crop)
    np.testing.assert_array_equal(first.alpha, alpha)


def test_a_turned_head_is_swapped_where_it_is(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    centre = tuple(float(v) for v in face.landmarks[4, :2])
    turn = np.asarray(cv2.getRotationMatrix2D(centre, 35, 1.0))
    turned = as_u8(np.asarray(cv2.warpAffine(photo, turn, photo.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)))
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    box = np.concatenate([landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)]).astype(np.float32)
    there = Face(face.id, box, landmarks.astype(np.float32), face.pose, face.score)
    swapped = swapper.swap(turned, there, captured_ns=0)
    difference = np.abs(composed(swapped, turned) - turned)[in_frame(swapped, turned) > 250]
    assert np.median(difference) <= 15
