"""What Mien remembers of faces, each read as what its first letter says: consents, terms, keys, photos, the clock."""

import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from mien.config.choices import ConsentKind
from mien.consent import keys
from mien.consent.face_library import FaceLibrary
from mien.consent.records import Consent, ConsentBook
from mien.consent.terms import FilterClock, Scope, Terms

_SHA256: Final = "ab" * 32
_TERMS: Final = Terms(
    "0123abcd",
    "Anna",
    ConsentKind.GRANTED,
    (Scope.LIVE, Scope.RECORDING),
    "2026-01-01T00:00:00+00:00",
    date(2099, 1, 1),
    "I agree.",
)
_FILES: Final = {b"r": "record.json", b"k": "key.json", b"p": "photo-0.bin"}


class _Records:
    tokens = (
        b'"version"',
        b'"photos"',
        b'"key"',
        b'"terms"',
        b'"until"',
        b'"scope"',
        b"null",
        b"1e999",
        b"NaN",
        b"\\ud800",
        b"[" * 20,
        b"passphrase",
        b"keychain",
    )

    def __init__(self) -> None:
        self._made: Path | None = None
        self._keep: TemporaryDirectory[str] | None = None

    def seeds(self) -> Sequence[bytes]:
        face = self._face()
        files = [kind + (face / name).read_bytes() for kind, name in _FILES.items()]
        consent = {"version": 1, "photo_sha256": _SHA256, "kind": "self", "given_at": "2026-01-01"}
        return [*files, b"c" + json.dumps(consent).encode(), b"t" + datetime.now(UTC).isoformat().encode()]

    def run(self, content: bytes, folder: Path) -> None:
        kind, rest = content[:1], content[1:]
        if kind == b"t":
            (folder / "latest-time").write_bytes(rest)
            FilterClock(folder / "latest-time").now()
        elif kind in _FILES:
            self._library(folder, _FILES[kind], rest)
        else:
            book = ConsentBook(folder)
            (folder / f"{_SHA256}.json").write_bytes(rest)
            book.find(_SHA256)
            book.remember(Consent(_SHA256, ConsentKind.SELF, "2026-01-01"))
            assert book.find(_SHA256) is not None

    def _library(self, folder: Path, name: str, content: bytes) -> None:
        face = folder / _TERMS.id
        shutil.copytree(self._face(), face)
        (face / name).write_bytes(content)
        library = FaceLibrary(folder)
        kept = library.find("anna")
        for one in library.faces():
            try:
                library.check(one)
            finally:
                library.photos(one, can_ask=False)
        if kept is not None:
            library.remove(kept)
            assert not face.exists()

    def _face(self) -> Path:
        """Give the folder of a face that is whole."""
        if self._made is None:
            setattr(keys, "_SCRYPT_N", 1 << 10)  # noqa: B010 - else nothing but the pass-phrase would be tried
            os.environ["MIEN_PASSPHRASE"] = "correct horse"  # noqa: S105 - of nobody
            self._keep = TemporaryDirectory()
            photo = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
            self._made = FaceLibrary(Path(self._keep.name)).add(_TERMS, [photo]).folder
        return self._made


TARGET: Final = _Records()
