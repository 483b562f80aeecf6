"""Consent: asked once for a photo, remembered without the photo."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.config.choices import ConsentKind
from mien.consent.records import Consent, ConsentBook, consent_for
from mien_models.errors import UsageError


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"the bytes of a photo")
    return path


@pytest.fixture
def book(tmp_path: Path) -> ConsentBook:
    return ConsentBook(tmp_path / "data" / "consents")


def _answer(text: str) -> Callable[[str], str]:
    def ask(question: str) -> str:
        assert "photo.jpg" in question
        assert all(kind.value in question for kind in ConsentKind)
        return text

    return ask


def _never(question: str) -> str:
    raise AssertionError(f"asked again: {question}")


@pytest.mark.parametrize(("typed", "kind"), [("1\n", ConsentKind.SELF), (" Public-Domain ", ConsentKind.PUBLIC_DOMAIN)])
def test_a_person_is_asked_once_and_the_answer_is_remembered(
    photo: Path, book: ConsentBook, typed: str, kind: ConsentKind
) -> None:
    first = consent_for(photo, given=None, book=book, ask=_answer(typed))
    assert first.kind is kind
    assert consent_for(photo, given=None, book=book, ask=_never) == first


def test_a_program_is_told_what_to_say(photo: Path, book: ConsentBook) -> None:
    with pytest.raises(UsageError, match=r"--consent self\|granted\|synthetic\|public-domain"):
        consent_for(photo, given=None, book=book, ask=None)


@pytest.mark.parametrize("typed", ["", "no", "5", "0", "2 granted"])
def test_anything_else_stops_and_is_not_remembered(photo: Path, book: ConsentBook, typed: str) -> None:
    with pytest.raises(UsageError, match="it is not used"):
        consent_for(photo, given=None, book=book, ask=_answer(typed))
    with pytest.raises(UsageError, match="--consent"):
        consent_for(photo, given=None, book=book, ask=None)


def test_the_flag_is_remembered_and_a_later_flag_replaces_it(photo: Path, book: ConsentBook) -> None:
    consent_for(photo, given=ConsentKind.GRANTED, book=book, ask=None)
    assert consent_for(photo, given=None, book=book, ask=None).kind is ConsentKind.GRANTED
    consent_for(photo, given=ConsentKind.SELF, book=book, ask=None)
    assert consent_for(photo, given=None, book=book, ask=None).kind is ConsentKind.SELF


def test_another_photo_is_asked_for_anew(photo: Path, book: ConsentBook) -> None:
    consent_for(photo, given=ConsentKind.SELF, book=book, ask=None)
    photo.write_bytes(b"another photo")
    with pytest.raises(UsageError):
        consent_for(photo, given=None, book=book, ask=None)


def test_the_record_holds_the_answer_and_its_date_and_nothing_of_the_photo(
    photo: Path, book: ConsentBook, tmp_path: Path
) -> None:
    consent = consent_for(photo, given=ConsentKind.SELF, book=book, ask=None)
    (record,) = (tmp_path / "data" / "consents").iterdir()
    assert json.loads(record.read_text()) == {
        "version": 1,
        "photo_sha256": consent.photo_sha256,
        "kind": "self",
        "given_at": consent.given_at,
    }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "self"}', '{"photo_sha256": "SHA", "kind": "mine"}', "null"])
def test_a_damaged_record_is_kept_aside_said_and_asked_for_again(
    photo: Path, book: ConsentBook, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    consent = consent_for(photo, given=ConsentKind.SELF, book=book, ask=None)
    record = tmp_path / "data" / "consents" / f"{consent.photo_sha256}.json"
    damaged = text.replace("SHA", consent.photo_sha256)
    record.write_text(damaged)
    assert consent_for(photo, given=None, book=book, ask=_answer("granted")).kind is ConsentKind.GRANTED
    assert record.with_suffix(".damaged").read_text() == damaged
    assert "is damaged" in caplog.text
    assert book.find(consent.photo_sha256) is not None


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(
    photo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    book = ConsentBook(tmp_path / "file" / "consents")
    assert consent_for(photo, given=ConsentKind.SELF, book=book, ask=None).kind is ConsentKind.SELF
    assert "the next start asks again" in caplog.text


def test_an_answer_that_cannot_be_written_leaves_the_old_one_whole(
    book: ConsentBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Consent("ab", ConsentKind.SELF, "2026-01-01T00:00:00+00:00")
    book.remember(old)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    book.remember(Consent("ab", ConsentKind.GRANTED, "2026-01-02T00:00:00+00:00"))
    assert book.find("ab") == old
    assert len(list((tmp_path / "data" / "consents").iterdir())) == 1
