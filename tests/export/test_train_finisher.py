"""What the finishing network learns from: glasses whose place is known to the pixel, and pairs made by Mien itself."""

import sys
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mien.tracking.photo import find_faces
from mien_models.geometry.finishing_crop import SIDE_PX, atlas_places, crop_from_frame, cut
from mien_models.types import BgrU8, Face, as_f32, as_u8

TRAINER = Path(__file__).parents[2] / "export" / "examples" / "train_finisher"


@pytest.fixture(autouse=True)
def trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TRAINER), *sys.path])


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    rgb = cast("NDArray[np.uint8]", astronaut())  # type: ignore[no-untyped-call]  # scikit-image is not annotated
    return as_u8(np.ascontiguousarray(rgb[0:256, 96:352, ::-1]))


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_glasses_change_most_where_their_mask_says_and_nothing_far_from_it(photo: BgrU8, face: Face, seed: int) -> None:
    from spectacles import with_glasses

    worn = with_glasses(np.random.default_rng(seed), photo, face.landmarks)
    change = np.abs(worn.image_bgr.astype(int) - photo).max(axis=2)
    rims = worn.rims > 0.9
    near = cv2.dilate(np.maximum(worn.rims, worn.lenses), np.ones((31, 31), np.uint8)) > 0
    assert rims.sum() > 50
    assert change[~near].max() == 0
    assert change[rims].mean() > 3 * change[near & ~rims].mean()


def test_sunglasses_hide_the_eyes(photo: BgrU8, face: Face) -> None:
    from spectacles import with_glasses

    worn = with_glasses(np.random.default_rng(5), photo, face.landmarks, sun=True)
    behind = (worn.lenses > 0.9) & (worn.rims < 0.1)
    assert worn.image_bgr[behind].std() < 0.75 * photo[behind].std()


def test_the_crop_is_upright_and_holds_the_face_and_places_agree_with_the_atlas(photo: BgrU8, face: Face) -> None:
    turn = cv2.getRotationMatrix2D((120, 110), 25, 1.0)
    turned = face.landmarks.copy()
    turned[:, :2] = face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    matrix = crop_from_frame(turned)
    inside = turned[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    assert (inside > 5).all()
    assert (inside < SIDE_PX - 5).all()
    assert abs(inside[33, 1] - inside[263, 1]) < 0.5
    places = atlas_places(turned, matrix)
    nose_x, nose_y = (round(float(at)) for at in inside[4])
    assert np.abs(places[nose_y, nose_x] - [0.5, 0.55]).max() < 0.06
    assert places[0, 0].sum() == 0
    assert cut(photo, matrix).shape == (SIDE_PX, SIDE_PX, 3)


def test_a_pair_is_nearly_right_where_the_photo_was_seen_and_the_answer_keeps_kept_glasses(
    tmp_path: Path, photo: BgrU8, face: Face
) -> None:
    from pairs import NAMES, Kind, PairMaker
    from people import Person
    from shards import Reader, read_shard, write_shard

    path = tmp_path / "0001.png"
    cv2.imwrite(str(path), photo)
    person = Person(1, path, face.landmarks)
    maker = PairMaker(np.random.default_rng(2), [person])
    pairs = [*maker.pairs_of(person, 20), maker.stranger_on(person)]
    kinds = {Kind(int(pair.kind)) for pair in pairs}
    assert kinds == set(Kind)
    right: list[float] = []
    mirrored: list[float] = []
    for pair in pairs[:-1]:
        trust = cv2.resize(pair.trust, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)
        seen = (trust > 230) & (pair.alpha > 250)
        if seen.sum() > 200:
            right.append(float(np.abs(pair.composed.astype(int) - pair.wanted)[seen].mean()))
            mirrored.append(float(np.abs(pair.composed.astype(int) - pair.wanted[:, ::-1])[seen].mean()))
    assert len(right) > 3
    assert np.median(right) < 0.75 * np.median(mirrored)
    write_shard(tmp_path, "pairs-1", pairs, NAMES)
    assert read_shard(tmp_path / "pairs-1.npz")["composed"].shape == (21, SIDE_PX, SIDE_PX, 3)
    columns = Reader(np.random.default_rng(0), tmp_path, "pairs", fit=2, held_back=20).take(wait_s=20)
    assert columns is not None
    assert columns["wanted"].shape == (21, SIDE_PX, SIDE_PX, 3)


def test_people_who_are_held_back_are_never_read_and_each_file_is_read_once(tmp_path: Path) -> None:
    from shards import Reader

    person = np.arange(40, dtype=np.int32)
    for number in range(2):
        np.savez(tmp_path / f"pairs-{number}.npz", person=person + 40 * number, kind=np.zeros(40, np.uint8))
    reader = Reader(np.random.default_rng(0), tmp_path, "pairs", fit=2, held_back=20)
    read = [reader.take(wait_s=20) for _ in range(2)]
    people = [int(one) for columns in read if columns is not None for one in columns["person"]]
    assert sorted(people) == sorted(set(range(80)) - {0, 20, 40, 60})
    assert reader.take(wait_s=1.5) is None


def test_where_not_all_files_fit_they_are_read_again(tmp_path: Path) -> None:
    from shards import Reader

    for number in range(2):
        np.savez(tmp_path / f"pairs-{number}.npz", person=np.ones(3, np.int32), kind=np.zeros(3, np.uint8))
    reader = Reader(np.random.default_rng(0), tmp_path, "pairs", fit=1, held_back=20)
    assert all(reader.take(wait_s=20) is not None for _ in range(4))


def test_what_the_trainer_feeds_the_network_is_what_the_product_feeds_it() -> None:
    torch = pytest.importorskip("torch")
    from examples_of import examples

    from mien_models.networks.finisher import Composed, may_change, numbers

    rng = np.random.default_rng(0)
    bgr, frame = (rng.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(2))
    places = np.zeros((64, 64, 2), np.float32)
    places[16:48, 16:48] = rng.uniform(0.1, 0.9, (32, 32, 2))
    places = as_f32(np.round(places * 255) / 255)
    trust = np.full((32, 32), 128, np.uint8)
    trust[:2, :2] = 0  # the corner of the atlas, where no face is
    given = Composed(bgr, as_u8(np.full((128, 128), 77)), frame, places, trust)
    stored = {
        "composed": bgr, "wanted": bgr, "alpha": given.alpha, "kind": np.array(0, np.uint8),
        "light": cv2.resize(frame, (8, 8), interpolation=cv2.INTER_AREA),
        "atlas": np.round(places * 255).astype(np.uint8), "trust": as_u8(np.where(places[..., 0] > 0, 128, 0)),
    }  # fmt: skip
    batch = examples({key: torch.from_numpy(np.asarray(value))[None] for key, value in stored.items()})
    assert np.abs(batch.inputs().numpy() - numbers(given)).max() < 0.02
    assert np.abs(batch.region[0, 0].numpy() - may_change(places)).max() < 0.02


def test_rims_to_learn_from_are_where_drawn_glasses_changed_the_band(photo: BgrU8, face: Face) -> None:
    from rims_examples import drawn_on

    from mien_models.networks.rims import flat_band

    rng = np.random.default_rng(2)
    drawn = [drawn_on(rng, photo, face.landmarks, plainly=True) for _ in range(3)]
    bare, _ = flat_band(photo, face.landmarks)
    for band, rims, seen in drawn:
        change = np.abs(band.astype(int) - bare).max(axis=2)
        sure, far = (rims > 230) & (seen > 250), (cv2.dilate(rims, np.ones((41, 41), np.uint8)) == 0) & (seen > 250)
        assert sure.sum() > 100
        assert change[sure].mean() > 4 * change[far].mean()


def test_lids_that_were_closed_by_a_part_leave_the_rest_of_the_eyeball(photo: BgrU8, face: Face) -> None:
    from eyes_examples import Teacher, closed, cut_eye, truth_of

    eye = cut_eye(photo, face.landmarks, Teacher()(photo, face.landmarks), 0)
    balls = [truth_of(closed(eye, share))[..., 0].sum() / 255 for share in (1.0, 0.5, 0.0)]
    assert balls[0] > 500
    assert 0.4 * balls[0] < balls[1] < 0.6 * balls[0]
    assert balls[2] < 0.05 * balls[0]
    changed = np.abs(closed(eye, 0.0).bgr.astype(int) - eye.bgr).max(axis=2)
    assert changed[truth_of(eye)[..., 0] > 250].mean() > 3 * changed[truth_of(eye)[..., 0] == 0].mean()
