"""The library keeps faces encrypted, bound to what was agreed, and forgets them for good."""

import errno
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
import numpy as np
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from numpy.typing import NDArray

from mien.config.choices import ConsentKind
from mien.consent.face_library import FaceLibrary, KeptFace, LibraryError
from mien.consent.keys import FaceKeyError, usual_store
from mien.consent.terms import ConsentError, FilterClock, Scope, Terms, last_day
from mien.stages.consent_check import OwnerCheck, Permit, Permits
from mien_models.errors import UsageError
from mien_models.types import BgrU8, Face, as_u8

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PHRASE = "several plain words"


class Ring(KeyringBackend):
    """A keychain in memory."""

    priority = 5  # pyright: ignore[reportAssignmentType] - a class property there

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("it is locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(params=["keychain", "passphrase"])
def ring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    monkeypatch.delenv("MIEN_PASSPHRASE", raising=False)
    if request.param == "passphrase":
        monkeypatch.setenv("MIEN_PASSPHRASE", PHRASE)
    assert usual_store() == request.param
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def under_a_phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PASSPHRASE", PHRASE)


def terms(name: str = "Anna", **given: Any) -> Terms:
    usual: dict[str, Any] = {
        "id": name.encode().hex().ljust(32, "0"),
        "name": name,
        "consent": ConsentKind.GRANTED,
        "scope": (Scope.LIVE,),
        "given_at": NOW.isoformat(),
        "until": None,
        "statement": "I agree.",
    }
    return Terms(**{**usual, **given})


@pytest.fixture
def picture() -> BgrU8:
    return as_u8(np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8))


def test_what_is_added_is_found_and_read_again(ring: Ring, picture: BgrU8, tmp_path: Path) -> None:
    other = as_u8(255 - picture)
    FaceLibrary(tmp_path / "faces").add(terms(), [picture, other])
    face = FaceLibrary(tmp_path / "faces").named("aNNa")
    assert face.terms == terms()
    first, second = FaceLibrary(tmp_path / "faces").photos(face, can_ask=False)
    np.testing.assert_array_equal(first, picture)
    np.testing.assert_array_equal(second, other)
    assert ("mien-face", terms().id) in ring.kept or face.store == "passphrase"


def test_only_the_owner_may_read_and_no_photo_lies_in_the_clear(ring: Ring, picture: BgrU8, tmp_path: Path) -> None:
    del ring
    FaceLibrary(tmp_path / "faces").add(terms(), [picture])
    files = [path for path in (tmp_path / "faces").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "faces").rglob("*") if path.is_dir()} == {0o700}
    assert not any(b"PNG" in path.read_bytes() for path in files)
    assert not any(PHRASE.encode() in path.read_bytes() for path in files)


def test_what_is_removed_has_lost_its_key_first(ring: Ring, picture: BgrU8, tmp_path: Path) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    kept = {path: path.read_bytes() for path in face.folder.iterdir() if path.name != "key.json"}
    library.remove(face)
    assert not face.folder.exists()
    assert not ring.kept
    assert library.find("Anna") is None
    face.folder.mkdir()
    for path, content in kept.items():
        path.write_bytes(content)
    with pytest.raises(FaceKeyError, match=r"add (it|the face) anew"):
        library.photos(library.named("Anna"), can_ask=False)


def test_a_wrong_pass_phrase_is_one_sentence_and_loses_nothing(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    monkeypatch.setenv("MIEN_PASSPHRASE", "other plain words")
    with pytest.raises(FaceKeyError, match="not the one that this face was added with"):
        library.photos(face, can_ask=False)
    monkeypatch.delenv("MIEN_PASSPHRASE")
    with pytest.raises(UsageError, match="MIEN_PASSPHRASE"):
        library.photos(face, can_ask=False)
    monkeypatch.setenv("MIEN_PASSPHRASE", PHRASE)
    np.testing.assert_array_equal(library.photos(face, can_ask=False)[0], picture)
    monkeypatch.setenv("MIEN_PASSPHRASE", "short")
    with pytest.raises(UsageError, match="at least 8 letters"):
        library.add(terms("Bob"), [picture])
    assert [one.terms.name for one in library.faces()] == ["Anna"]
    assert len([path for path in (tmp_path / "faces").iterdir() if path.is_dir()]) == 1


def test_a_keychain_that_refuses_says_so(picture: BgrU8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_PASSPHRASE", raising=False)
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    try:
        library = FaceLibrary(tmp_path / "faces")
        face = library.add(terms(), [picture])
        ring.is_locked = True
        with pytest.raises(FaceKeyError, match="unlock it and try again"):
            library.photos(face, can_ask=False)
    finally:
        keyring.set_keyring(before)


def change(face: KeptFace, file: str, old: str, new: str) -> None:
    path = face.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_terms_that_are_changed_in_the_file_lose_the_photos(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    change(face, "record.json", '"live"', '"live", "recording"')
    with pytest.raises(LibraryError, match="or its record was"):
        library.photos(library.named("Anna"), can_ask=False)
    with pytest.raises(LibraryError, match="or its record was"):
        library.allow(face, Scope.RECORDING)


def test_one_more_use_can_be_agreed_to_while_a_run_has_the_face(ring: Ring, picture: BgrU8, tmp_path: Path) -> None:
    del ring
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture, as_u8(255 - picture)])
    with pytest.raises(ConsentError, match="not for streaming"):
        library.allow(face, Scope.STREAMING)
    agreed = library.agree(face, Scope.STREAMING, can_ask=False)
    assert agreed.terms.scope == (Scope.LIVE, Scope.STREAMING)
    library.check(face)
    library.allow(face, Scope.STREAMING)
    with pytest.raises(ConsentError, match="not for recording"):
        library.allow(face, Scope.RECORDING)
    np.testing.assert_array_equal(library.photos(library.named("Anna"), can_ask=False)[0], picture)
    assert len(list(face.folder.glob("*.bin"))) == 2, "the photos that were bound to the old terms are gone"


def test_a_use_that_is_written_into_the_record_by_hand_is_not_allowed(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    change(face, "record.json", '"live"', '"live", "streaming"')
    with pytest.raises(LibraryError, match="or its record was"):
        library.allow(face, Scope.STREAMING)


def test_less_than_was_agreed_before_ends_a_run(under_a_phrase: None, picture: BgrU8, tmp_path: Path) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(scope=(Scope.LIVE, Scope.STREAMING)), [picture])
    change(face, "record.json", '"streaming"', '"recording"')
    with pytest.raises(ConsentError, match="has changed"):
        library.check(face)


@pytest.mark.parametrize("damage", ["{", "[]", '{"version": 9}', ""])
def test_a_damaged_record_costs_that_face_only(
    damage: str, under_a_phrase: None, picture: BgrU8, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    library.add(terms("Bob"), [picture])
    (face.folder / "record.json").write_text(damage)
    with caplog.at_level(logging.WARNING):
        assert [one.terms.name for one in library.faces()] == ["Bob"]
    assert "is damaged" in caplog.text
    assert (face.folder / "photo-0.bin").exists()


def test_a_photo_that_is_cut_off_is_one_sentence(under_a_phrase: None, picture: BgrU8, tmp_path: Path) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    photo = face.folder / "photo-0.bin"
    for content in (photo.read_bytes()[:-1], b"", photo.read_bytes()[:5]):
        photo.write_bytes(content)
        with pytest.raises(LibraryError, match="cut off"):
            library.photos(face, can_ask=False)
    photo.unlink()
    with pytest.raises(LibraryError, match="is missing"):
        library.photos(face, can_ask=False)


def test_a_right_ends_with_its_last_day_and_a_clock_that_is_set_back_does_not_help(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date()
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(until=yesterday), [picture])
    with pytest.raises(ConsentError, match="ended on"):
        library.photos(face, can_ask=False)
    with pytest.raises(ConsentError, match="ended on"):
        library.check(face)
    other = FaceLibrary(tmp_path / "others")
    lasting = other.add(terms("Bob", until=datetime.now(UTC).date() + timedelta(days=30)), [picture])
    other.photos(lasting, can_ask=False)
    (tmp_path / "others" / "latest-time").write_text((datetime.now(UTC) + timedelta(days=40)).isoformat())
    with caplog.at_level(logging.WARNING), pytest.raises(ConsentError, match="ended on"):
        FaceLibrary(tmp_path / "others").photos(lasting, can_ask=False)
    assert "it has been" in caplog.text


def test_the_clock_is_kept_and_damage_to_it_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a" / "latest-time"
    before = FilterClock(file).now()
    assert datetime.fromisoformat(file.read_text()) == before
    file.write_text("noise")
    assert FilterClock(file).now() >= before


def test_a_use_that_was_not_agreed_to_is_refused() -> None:
    terms().allow(Scope.LIVE)
    with pytest.raises(ConsentError, match="may be used for live, not for recording"):
        terms().allow(Scope.RECORDING)


def test_the_last_day_is_read_and_granted_rights_last_a_year() -> None:
    assert last_day(None, ConsentKind.SELF, NOW) is None
    assert last_day(None, ConsentKind.GRANTED, NOW) == date(2027, 6, 1)
    assert last_day("2026-06-01", ConsentKind.SELF, NOW) == date(2026, 6, 1)
    with pytest.raises(UsageError, match="has passed"):
        last_day("2026-05-30", ConsentKind.SELF, NOW)
    with pytest.raises(UsageError, match="2027-06-30"):
        last_day("next week", ConsentKind.SELF, NOW)


def test_what_has_ended_stays_ended_until_other_faces_are_held(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])
    permits = Permits([Permit(library, face)])
    permits.check()
    library.remove(face)
    permits.check()  # within a second nobody looks again
    permits.hold([Permit(library, face)])
    for _ in range(3):
        with pytest.raises(ConsentError, match="was removed"):
            permits.check()
    permits.hold([])
    permits.check()


def test_a_disk_that_does_not_answer_is_no_withdrawn_right(
    under_a_phrase: None, picture: BgrU8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FaceLibrary(tmp_path / "faces")
    face = library.add(terms(), [picture])

    def unreadable(self: Path, *_: object, **__: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", unreadable)
        with pytest.raises(LibraryError, match="Input/output error"):
            library.check(face)
    library.check(face)


@pytest.mark.parametrize(("cosine", "ends"), [(0.6, "shows the person"), (0.2, "could not be told"), (0.0, "error")])
def test_one_s_own_face_is_held_against_the_camera(
    cosine: float, ends: str, picture: BgrU8, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    own = np.array([1, 0], np.float32)
    user = np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)

    def look(_image_bgr: BgrU8, _face: Face) -> NDArray[np.float32]:
        return user

    check = OwnerCheck("Anna", own, look)

    def look_for_a_while() -> None:
        for number in range(40):
            check.check(picture, face, number * 1_000_000_000)
            for thread in [check.looking] if check.looking is not None else []:
                thread.join()

    with caplog.at_level(logging.INFO):
        if ends == "error":
            with pytest.raises(ConsentError, match="the camera shows somebody else"):
                look_for_a_while()
            with pytest.raises(ConsentError):
                check.check(picture, face, 99_000_000_000)
        else:
            look_for_a_while()
            assert ends in caplog.text
