"""Networks as swappers; insightface's own inswapper is the reference."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.onnx_networks import arcface_network, byte_network, inswapper_network
from tests.stored_models import Shelf

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien.tracking.photo import find_faces
from mien_models.errors import ModelError
from mien_models.geometry.tensor_image import AlignedInput, AlignedOutput
from mien_models.networks.embedding import graph_map
from mien_models.specs.network import (
    IMAGENET_OUTPUT,
    IMAGENET_PIXELS,
    SIGNED_OUTPUT,
    SIGNED_PIXELS,
    IdentitySpec,
    PictureSpec,
    PixelSpec,
    SwapNames,
    SwapSpec,
)
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, FaceView, SourceFace, SwapOptions, as_u8, unit


@pytest.fixture
def store(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "models")
    made.put("arcface_w600k_r50", arcface_network(tmp_path / "w600k_r50.onnx"))
    made.put("inswapper_128", inswapper_network(tmp_path / "inswapper_128.onnx"))
    return made


def reference(path: Path, photo: BgrU8, face: Face, vector: np.ndarray) -> tuple[BgrU8, np.ndarray, np.ndarray]:
    """Swap with insightface: its output, its latent (of unit length), and its pasted picture."""
    model_zoo: Any = pytest.importorskip("insightface.model_zoo.inswapper")

    class Lent:
        normed_embedding = unit(vector)
        kps = face.five_points

    swapper = model_zoo.INSwapper(model_file=str(path), session=None)
    output, _ = swapper.get(photo, Lent, Lent, paste_back=False)
    pasted = swapper.get(photo, Lent, Lent, paste_back=True)
    latent = np.dot(Lent.normed_embedding[None], swapper.emap)
    return output, latent / np.linalg.norm(latent), pasted


@pytest.mark.filterwarnings("ignore")
def test_inswapper_gives_what_insightface_gives(store: Shelf, photo: BgrU8, face: Face) -> None:
    networks = Networks(store)
    swapper = networks.swapper("inswapper_128", SourceFace.of(photo, face), SwapOptions())
    stored = store.find("inswapper_128")
    assert isinstance(stored.manifest.network, SwapSpec)
    vector = networks.identities.embedding([FaceView(photo, face)], "arcface_w600k_r50")
    ours = networks.identities.vector([FaceView(photo, face)], stored.manifest.network.identity, stored)
    output, latent, pasted = reference(stored.weights_path, photo, face, vector)
    np.testing.assert_allclose(ours, latent, atol=1e-6)
    swapped = swapper.swap(photo, face, captured_ns=0)
    assert np.abs(swapped.crop_bgr.astype(int) - output).max() <= 1
    composed = CompositeStage()(Frame(photo, 0, 0, swapped=(swapped,))).composed
    assert composed is not None
    shown = composed.before_marks()
    middle = face.landmarks[4, :2].astype(int)
    inside = np.s_[middle[1] - 12 : middle[1] + 12, middle[0] - 12 : middle[0] + 12]
    assert np.abs(shown[inside].astype(int) - pasted[inside]).mean() < 1.5


def test_the_source_is_given_once_and_from_all_its_photos(store: Shelf, photo: BgrU8, face: Face) -> None:
    networks = Networks(store)
    dark = as_u8(photo // 3)
    one = networks.swapper("inswapper_128", SourceFace.of(photo, face), SwapOptions())
    two = networks.swapper("inswapper_128", SourceFace((FaceView(photo, face), FaceView(dark, face))), SwapOptions())
    first, second = (s.swap(photo, face, captured_ns=0).crop_bgr.astype(int) for s in (one, two))
    assert np.abs(first - second).max() > 1


def test_a_face_is_looked_at_once(store: Shelf, photo: BgrU8, face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    networks, source = Networks(store), SourceFace.of(photo, face)
    networks.swapper("inswapper_128", source, SwapOptions())
    session = networks.session(store.find("arcface_w600k_r50"))

    def refuse(feeds: object) -> None:
        pytest.fail("the vector should have been kept")

    monkeypatch.setattr(session, "run", refuse)
    networks.swapper("inswapper_128", source, SwapOptions()).swap(photo, face, captured_ns=0)


def test_strength_goes_from_the_targets_own_identity_to_the_sources(store: Shelf, photo: BgrU8, face: Face) -> None:
    networks = Networks(store)
    lent_bgr = as_u8(cv2.flip(255 - photo, 1))
    source_face = SourceFace.of(lent_bgr, find_faces(as_u8(cv2.flip(photo, 1)))[0])

    def crop(source: SourceFace, strength: float) -> np.ndarray:
        swapper = networks.swapper("inswapper_128", source, SwapOptions(strength=strength))
        return swapper.swap(photo, face, captured_ns=0).crop_bgr.astype(int)

    own, full = crop(SourceFace.of(photo, face), 1.0), crop(source_face, 1.0)
    assert np.abs(crop(source_face, 0.0) - own).max() <= 1
    assert np.abs(own - full).max() > 3
    half = crop(source_face, 0.5)
    assert np.abs(half - own).mean() < np.abs(full - own).mean()
    assert np.abs(half - full).mean() < np.abs(full - own).mean()


def test_the_alpha_covers_the_face_and_not_the_crops_border(store: Shelf, photo: BgrU8, face: Face) -> None:
    swapper = Networks(store).swapper("inswapper_128", SourceFace.of(photo, face), SwapOptions())
    swapped = swapper.swap(photo, face, captured_ns=0)
    border = np.concatenate([swapped.alpha[0], swapped.alpha[-1], swapped.alpha[:, 0], swapped.alpha[:, -1]])
    assert border.max() == 0
    assert swapped.alpha[64, 64] == 255
    placed = cv2.warpAffine(swapped.alpha, swapped.frame_from_crop, photo.shape[1::-1])
    xy = face.landmarks[[1, 5, 205, 425, 13], :2].astype(int)
    assert min(int(placed[y, x]) for x, y in xy) > 240


def test_pixel_boost_gives_the_same_picture_at_twice_the_resolution(store: Shelf, photo: BgrU8, face: Face) -> None:
    networks, source = Networks(store), SourceFace.of(photo, face)
    plain = networks.swapper("inswapper_128", source, SwapOptions()).swap(photo, face, captured_ns=0)
    fine = networks.swapper("inswapper_128", source, SwapOptions(boost=2)).swap(photo, face, captured_ns=0)
    assert fine.crop_bgr.shape == (256, 256, 3)
    small = cv2.resize(fine.crop_bgr, (128, 128), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - plain.crop_bgr)[20:-20, 20:-20].mean() < 4
    scale = np.hypot(*plain.frame_from_crop[:, 0]) / np.hypot(*fine.frame_from_crop[:, 0])
    assert scale == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("boost", [1, 2, 3])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_numbers_and_back_is_the_crop(boost: int, layout: Any, colour: Any) -> None:
    spec = PictureSpec("arcface_128", 16, *SIGNED_PIXELS, layout=layout, colour=colour)
    crop = np.random.default_rng(0).integers(0, 256, (16 * boost, 16 * boost, 3), np.uint8)
    numbers = AlignedInput(spec, boost=boost).numbers(crop)
    assert numbers.shape[0] == boost * boost
    assert numbers.min() >= -1
    assert numbers.max() <= 1
    np.testing.assert_array_equal(AlignedOutput(spec, SIGNED_OUTPUT, boost=boost).crop(numbers), crop)


def test_imagenets_numbers_are_those_of_its_mean_and_deviation() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    numbers = AlignedInput(PictureSpec("arcface_112_v1", 16, *IMAGENET_PIXELS)).numbers(crop)
    expected = (crop[..., ::-1] / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(numbers[0].transpose(1, 2, 0), expected, atol=1e-5)


def test_imagenets_numbers_are_pixels_again() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    spec = PictureSpec("arcface_112_v1", 16, *IMAGENET_PIXELS)
    numbers = AlignedInput(spec).numbers(crop)
    np.testing.assert_array_equal(AlignedOutput(spec, IMAGENET_OUTPUT).crop(numbers), crop)


def test_the_map_is_found_wherever_it_stands(tmp_path: Path) -> None:
    whole = graph_map(inswapper_network(tmp_path / "a.onnx").read_bytes(), "a")
    half = graph_map(inswapper_network(tmp_path / "b.onnx", half=True).read_bytes(), "b")
    assert whole.shape == half.shape == (512, 512)
    np.testing.assert_allclose(half, whole, atol=1e-3)


def test_a_map_beside_the_file_is_used(store: Shelf, tmp_path: Path, photo: BgrU8, face: Face) -> None:
    import dataclasses

    stored = store.find("inswapper_128")
    spec = stored.manifest.network
    assert isinstance(spec, SwapSpec)
    emap = graph_map(stored.weights(), "inswapper_128")
    np.save(tmp_path / "emap.npy", emap)
    beside = dataclasses.replace(spec, identity=dataclasses.replace(spec.identity, map="file"))
    store.put("reswapper", stored.weights_path, spec=beside, side_file=tmp_path / "emap.npy")
    networks, source = Networks(store), SourceFace.of(photo, face)
    first, second = (
        networks.swapper(name, source, SwapOptions()).swap(photo, face, captured_ns=0).crop_bgr
        for name in ("inswapper_128", "reswapper")
    )
    np.testing.assert_array_equal(first, second)
    store.put("lonely", stored.weights_path, spec=beside)
    with pytest.raises(ModelError, match="--map"):
        networks.swapper("lonely", source, SwapOptions())


def test_weights_that_were_changed_are_refused(store: Shelf, photo: BgrU8, face: Face) -> None:
    stored = store.find("inswapper_128")
    content = bytearray(stored.weights_path.read_bytes())
    content[-1] ^= 1
    stored.weights_path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="not those that were added"):
        Networks(store).swapper("inswapper_128", SourceFace.of(photo, face), SwapOptions())


def test_a_manifest_that_points_outside_its_folder_is_refused(store: Shelf, tmp_path: Path) -> None:
    import dataclasses

    stored = store.find("inswapper_128")
    (tmp_path / "models" / "secret.onnx").write_bytes(stored.weights())
    outside = StoredModel(stored.folder, dataclasses.replace(stored.manifest, file="../secret.onnx"))
    with pytest.raises(ModelError, match="outside its folder"):
        outside.weights()


@pytest.mark.parametrize("boost", [1, 2])
def test_a_network_between_bytes_gets_and_gives_the_pixels_themselves(
    store: Shelf, tmp_path: Path, photo: BgrU8, face: Face, boost: int
) -> None:
    spec = SwapSpec(
        kind="swapper",
        architecture="inswapper",
        crop=PictureSpec("arcface_128", 64, (1, 1, 1), (0, 0, 0), layout="nhwc", colour="bgr"),
        output=PixelSpec(1.0, 0.0),
        identity=IdentitySpec(form="none"),
        names=SwapNames("target", "output"),
        boosts=True,
    )
    store.put("bytes", byte_network(tmp_path / "bytes.onnx", 64), spec=spec)
    networks = Networks(store)
    swapper = networks.swapper("bytes", SourceFace.of(photo, face), SwapOptions(boost=boost))
    seen: list[np.dtype[Any]] = []
    session = networks.session(store.find("bytes"))
    run = session.run

    def noting(feeds: Any) -> Any:
        seen.append(feeds["target"].dtype)
        return run(feeds)

    session.run = noting  # type: ignore[method-assign]
    swapped = swapper.swap(photo, face, captured_ns=0)
    crop, _ = AlignedInput(spec.crop, boost=boost).crop(photo, face.five_points)
    np.testing.assert_array_equal(swapped.crop_bgr, 255 - crop)
    assert set(seen) == {np.dtype(np.uint8)}
