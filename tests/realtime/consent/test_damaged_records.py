"""What Mien remembers may be damaged or written by somebody else: it is said, and never the program's own fault."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mien.config.choices import ConsentKind
from mien.config.settings import load_settings
from mien.consent.face_library import FaceLibrary, LibraryError
from mien.consent.keys import FaceKeyError, Passphrase
from mien.consent.records import Consent, ConsentBook
from mien.consent.terms import ConsentError, FilterClock, Scope, Terms
from mien.provenance.audit_log.chain import parsed
from mien.provenance.audit_log.log import LOG_NAME, AuditLog
from mien_models.errors import ModelError, UsageError
from mien_models.library.inspect import read_description

DEEP = "[" * 100_000
DEEP_TABLES = '{"a":' * 100_000
DAMAGES = [DEEP, DEEP_TABLES, "null", "[]", '"text"', "1e999", "{", "", "\ufeff{}", "9" * 5000]


@pytest.fixture(autouse=True)
def _under_a_phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PASSPHRASE", "correct horse")
    monkeypatch.setattr("mien.consent.keys._SCRYPT_N", 1 << 10)


def a_library(folder: Path) -> FaceLibrary:
    library = FaceLibrary(folder)
    terms = Terms("0123abcd", "Anna", ConsentKind.GRANTED, (Scope.LIVE,), "2026-01-01T00:00:00+00:00", None, "")
    library.add(terms, [np.zeros((8, 8, 3), np.uint8)])
    return library


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_consent_is_asked_for_again(damage: str, tmp_path: Path) -> None:
    sha256, book = "ab" * 32, ConsentBook(tmp_path)
    (tmp_path / f"{sha256}.json").write_text(damage, encoding="utf-8")
    assert book.find(sha256) is None
    book.remember(Consent(sha256, ConsentKind.SELF, "2026-01-01"))
    assert book.find(sha256) is not None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_face_is_left_out_and_not_worn_on(damage: str, tmp_path: Path) -> None:
    library = a_library(tmp_path)
    (kept,) = library.faces()
    (kept.folder / "record.json").write_text(damage, encoding="utf-8")
    assert library.faces() == ()
    with pytest.raises(ConsentError):
        library.check(kept)


@pytest.mark.parametrize("photos", ["1e999", "-1", "0", "true", "[]", '"1"'])
def test_a_face_whose_number_of_photos_is_none_is_damaged(photos: str, tmp_path: Path) -> None:
    library = a_library(tmp_path)
    record = library.faces()[0].folder / "record.json"
    record.write_text(record.read_text().replace('"photos": 1', f'"photos": {photos}'))
    assert library.faces() == ()


@pytest.mark.parametrize(
    "damage", [*DAMAGES, '{"salt": 1, "nonce": 2, "key": 3}', '{"salt": "", "nonce": "", "key": ""}']
)
def test_a_damaged_key_is_one_sentence(damage: str, tmp_path: Path) -> None:
    library = a_library(tmp_path)
    (kept,) = library.faces()
    (kept.folder / "key.json").write_text(damage, encoding="utf-8")
    with pytest.raises(FaceKeyError, match="add the face anew"):
        library.photos(kept, can_ask=False)


def test_a_key_of_another_length_is_one_sentence(tmp_path: Path) -> None:
    library = a_library(tmp_path)
    (kept,) = library.faces()
    content = json.loads((kept.folder / "key.json").read_text())
    content["nonce"] = base64.b64encode(b"short").decode()
    (kept.folder / "key.json").write_text(json.dumps(content))
    with pytest.raises(FaceKeyError, match="damaged"):
        Passphrase(can_ask=False).get(kept.terms.id, kept.folder)
    with pytest.raises((FaceKeyError, LibraryError)):
        library.photos(kept, can_ask=False)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "9999-12-31", "\ud800", "x"]
)
def test_a_clock_that_was_kept_at_the_ends_of_time_is_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / "latest-time").write_bytes(text.encode("utf-8", "surrogatepass"))
    now = FilterClock(tmp_path / "latest-time").now()
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60


@pytest.mark.parametrize(
    "damage", [*DAMAGES, '{"sequence": 1e999, "at": "", "kind": "", "previous": "", "session": "", "fields": {}}']
)
def test_a_damaged_log_is_told_and_followed_by_a_new_one(damage: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line of the log"):
        parsed(damage)
    audit_log = AuditLog(tmp_path)
    audit_log.append("start", "12ab34")
    (tmp_path / LOG_NAME).write_text(f"{damage}\n", encoding="utf-8")
    (tmp_path / "head.json").write_text(damage, encoding="utf-8")
    assert list(audit_log.entries()) == []
    assert not audit_log.examine().is_whole or not damage
    audit_log.append("start", "12ab34")
    assert [entry.kind for entry in audit_log.entries()][-1] == "start"


@pytest.mark.parametrize("damage", [f"a = {DEEP}", f"size = {'9' * 5000}", "a = 2026-99-99", "\0", "a.b" * 10_000])
def test_damaged_settings_and_manifests_are_one_sentence(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(damage, encoding="utf-8")
    with pytest.raises(UsageError, match=r"mien\.toml"):
        load_settings({}, file)
    with pytest.raises(ModelError, match=r"mien\.toml"):
        read_description(file)


def test_a_variable_that_is_nested_too_deeply_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_SINKS", DEEP)
    with pytest.raises(UsageError, match="MIEN_SINKS"):
        load_settings({})
