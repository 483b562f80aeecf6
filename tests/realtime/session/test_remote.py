"""What a session asks of another machine, and what that machine makes of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.config.choices import ChooseMode, ConsentKind, EyesMode
from mien.pipeline.frame import Frame
from mien.pipeline.live.state import why_not_live
from mien.remote.protocol import FaceTerms, Wishes
from mien.session import stages
from mien.session.options import usual_options
from mien.session.remote import known_machines
from mien.session.swap_engine import SwapEngine
from mien_models.errors import MienError, UsageError
from mien_models.types import BgrU8, as_u8

TERMS = FaceTerms(consent=ConsentKind.PUBLIC_DOMAIN)


def test_this_machine_needs_no_more_than_the_mesh_where_another_one_swaps() -> None:
    options = usual_options(remote="box", swapper="inswapper_128", strength=0.5, eyes="photo", assign="all").for_live()
    assert options.swapper.name == "mesh"
    assert options.enhancer is None
    assert options.remote is not None
    assert options.remote.wishes.swapper == "inswapper_128"
    assert options.remote.wishes.strength == 0.5
    assert options.remote.wishes.eyes is EyesMode.PHOTO
    assert options.swapper.wishes.photo_eyes
    assert options.remote.wishes.assign is ChooseMode.ALL


def test_where_no_machine_is_named_nothing_changes() -> None:
    options = usual_options(swapper="inswapper_128")
    assert options.for_live() is options


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("masks", ("xseg:/home/me/net.onnx",), "xseg"),
        ("assign", "anna.jpg=x.jpg", "list of people"),
        ("remote", "a b", "HOST"),
    ],
)
def test_what_needs_this_machine_is_refused_in_one_sentence(setting: str, value: object, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        usual_options(**{"remote": "box", setting: value}).for_live()


def test_a_machine_that_was_never_paired_with_says_how_to() -> None:
    with pytest.raises(UsageError, match="--pair CODE"):
        known_machines("192.168.7.7")


@pytest.fixture(scope="module")
def engine() -> SwapEngine:
    made = SwapEngine()
    made.warm_up()
    return made


def _scene(photo: BgrU8) -> BgrU8:
    return as_u8(cv2.resize(photo[0:288, 0:512], (320, 180), interpolation=cv2.INTER_AREA))


def test_two_sessions_of_one_engine_swap_with_their_own_faces(engine: SwapEngine, photo: BgrU8) -> None:
    wishes = Wishes(colour="none", detail=False)
    seen: list[float] = []
    prepared = [
        engine.prepare(wishes, TERMS, (face_bgr,)) for face_bgr in (photo, np.ascontiguousarray(photo[:, :, ::-1]))
    ]
    for at in range(2):
        for one in prepared:
            frame = Frame(_scene(photo), at, at * 33_000_000)
            for stage in one.stages:
                frame = stage(frame)
            assert why_not_live(frame) is None
            assert frame.composed is not None
            left, top, right, bottom = (int(value) for value in frame.chosen[0].box_xyxy)
            middle = frame.composed.before_marks()[(top + bottom) // 2 : bottom, left:right]
            seen.append(float(middle[..., 0].mean() - middle[..., 2].mean()))
    warm, blue = seen[::2], seen[1::2]
    assert max(warm) < -10
    assert min(blue) > 10


def test_the_other_machine_neither_marks_nor_asks_for_consent(engine: SwapEngine, photo: BgrU8) -> None:
    names = [stage.name for stage in engine.prepare(Wishes(), TERMS, (photo,)).stages]
    assert {"track", "swap", "colour", "composite"} <= set(names)
    assert not {"consent_check", "content_gate", "owner_check", "remote", "marks"} & set(names)


@pytest.mark.parametrize(
    "wishes", [Wishes(swapper="nobody's"), Wishes(colour="nobody's"), Wishes(masks=("nobody's",))], ids=range(3)
)
def test_what_the_other_machine_has_not_is_refused_in_one_sentence(
    engine: SwapEngine, photo: BgrU8, wishes: Wishes
) -> None:
    with pytest.raises(MienError, match="nobody's"):
        engine.prepare(wishes, TERMS, (photo,))


def test_a_photo_without_a_face_is_refused(engine: SwapEngine) -> None:
    with pytest.raises(MienError, match="No face"):
        engine.prepare(Wishes(), TERMS, (np.full((200, 200, 3), 90, np.uint8),))


def test_nothing_of_a_photo_is_written(
    engine: SwapEngine, photo: BgrU8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "state"))
    engine.prepare(Wishes(), TERMS, (photo,))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_stage_from_the_swap_to_the_picture_touches_what_another_machine_has_swapped() -> None:
    names = [place.name for place in stages.ORDER]
    between = set(names[names.index("swap") : names.index("composite") + 1])
    assert between <= stages._ELSEWHERE  # pyright: ignore[reportPrivateUsage]
