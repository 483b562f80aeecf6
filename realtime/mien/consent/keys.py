"""A key for each face: in the system's keychain, or beside the face under a pass-phrase where there is no keychain."""

import base64
import getpass
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any, Final, Protocol, cast

from mien_models.errors import MienError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.json_text import json_object

PASSPHRASE_VARIABLE: Final = "MIEN_PASSPHRASE"  # noqa: S105 - a name
_SERVICE: Final = "mien-face"
_FILE: Final = "key.json"
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SCRYPT_N: Final = 1 << 16
"""With r = 8, 64 MB and a quarter of a second for each try (RFC 7914 asks for no less for what is stored)."""
_LEAST_LETTERS: Final = 8


class FaceKeyError(MienError):
    """A key that is gone, or a pass-phrase that is not the one."""


class KeyStore(Protocol):
    """Keeps the keys of faces."""

    def create(self, face_id: str, folder: Path) -> bytes:
        """Make and keep a key of 32 bytes."""
        ...

    def get(self, face_id: str, folder: Path) -> bytes:
        """Give a key.

        Raises:
            FaceKeyError: it is gone, or the pass-phrase is wrong.
        """
        ...

    def destroy(self, face_id: str, folder: Path) -> None:
        """Forget a key for good; none there is no error."""
        ...


class Keychain:
    """The keychain of the system, through keyring."""

    def create(self, face_id: str, folder: Path) -> bytes:  # noqa: ARG002 - the contract
        """Make and keep a key."""
        key = secrets.token_bytes(_KEY_BYTES)
        _keyring().set_password(_SERVICE, face_id, base64.b64encode(key).decode())
        return key

    def get(self, face_id: str, folder: Path) -> bytes:  # noqa: ARG002 - the contract
        """Give a key."""
        kept = _keyring().get_password(_SERVICE, face_id)
        if kept is None:
            raise FaceKeyError(
                "The key of this face is not in the keychain, so its photos cannot be read; add it anew."
            )
        try:
            return base64.b64decode(kept)
        except ValueError as error:
            raise FaceKeyError("The key of this face in the keychain is damaged; add the face anew.") from error

    def destroy(self, face_id: str, folder: Path) -> None:  # noqa: ARG002 - the contract
        """Forget a key."""
        ring = _keyring()
        if ring.get_password(_SERVICE, face_id) is not None:
            ring.delete_password(_SERVICE, face_id)


class Passphrase:
    """A file beside the face, which a pass-phrase opens."""

    def __init__(self, *, can_ask: bool) -> None:
        """Say whether somebody is there to be asked, where the variable is not set."""
        self._can_ask = can_ask

    def create(self, face_id: str, folder: Path) -> bytes:
        """Make a key and keep it under the pass-phrase."""
        key, salt, nonce = (secrets.token_bytes(count) for count in (_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES))
        signed_files = _cipher(_derived(self._phrase(is_new=True), salt)).encrypt(nonce, key, face_id.encode())
        parts = {"salt": salt, "nonce": nonce, "key": signed_files}
        kept = {name: base64.b64encode(part).decode() for name, part in parts.items()}
        write_private(folder / _FILE, json.dumps({"version": 1, **kept}).encode())
        return key

    def get(self, face_id: str, folder: Path) -> bytes:
        """Give a key."""
        from cryptography.exceptions import InvalidTag

        try:
            kept = json_object((folder / _FILE).read_text(encoding="utf-8"))
            salt, nonce, signed_files = (base64.b64decode(kept[name]) for name in ("salt", "nonce", "key"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FaceKeyError(
                f"The key file {str(folder / _FILE)!r} is missing or damaged; add the face anew."
            ) from error
        try:
            return cast(
                "bytes",
                _cipher(_derived(self._phrase(is_new=False), salt)).decrypt(nonce, signed_files, face_id.encode()),
            )
        except ValueError as error:  # a nonce or a key that is too short
            raise FaceKeyError(f"The key file {str(folder / _FILE)!r} is damaged; add the face anew.") from error
        except InvalidTag as error:
            raise FaceKeyError(
                "The pass-phrase is not the one that this face was added with; nothing was changed."
            ) from error

    def destroy(self, face_id: str, folder: Path) -> None:  # noqa: ARG002 - the contract
        """Write over the key, then take it away."""
        file = folder / _FILE
        if file.exists():
            file.write_bytes(secrets.token_bytes(file.stat().st_size))
            file.unlink()

    def _phrase(self, *, is_new: bool) -> str:
        phrase = os.environ.get(PASSPHRASE_VARIABLE)
        if phrase is None:
            if not (self._can_ask and sys.stdin.isatty()):
                raise UsageError(
                    "There is no keychain here, so faces are kept under a pass-phrase; put it into the variable "
                    f"{PASSPHRASE_VARIABLE}, or start from a terminal."
                )
            phrase = getpass.getpass("Pass-phrase for your faces (not shown): ")
        if is_new and len(phrase) < _LEAST_LETTERS:
            raise UsageError(f"A pass-phrase has at least {_LEAST_LETTERS} letters; several words are best.")
        return phrase


def key_store(name: str, *, can_ask: bool) -> KeyStore:
    """Give the store of a record, 'keychain' or 'passphrase'."""
    return Keychain() if name == "keychain" else Passphrase(can_ask=can_ask)


def usual_store() -> str:
    """Name where new keys go: under the pass-phrase where one is given or no keychain works."""
    return "passphrase" if os.environ.get(PASSPHRASE_VARIABLE) is not None or not _has_keychain() else "keychain"


def _has_keychain() -> bool:
    import keyring
    from keyring.errors import KeyringError

    try:
        # keyring's own measure: below 1 stand those that keep nothing or keep it in the clear.
        return float(cast("Any", keyring.get_keyring()).priority) >= 1
    except (KeyringError, RuntimeError):
        return False


def _keyring() -> Any:  # noqa: ANN401 - a module with its errors turned into ours
    import keyring
    from keyring.errors import KeyringError

    class Ring:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            def call(*words: str) -> Any:  # noqa: ANN401
                try:
                    return getattr(keyring, name)(*words)
                except KeyringError as error:
                    raise FaceKeyError(f"The system's keychain refuses ({error}); unlock it and try again.") from error

            return call

    return Ring()


def _derived(phrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=_KEY_BYTES, n=_SCRYPT_N, r=8, p=1).derive(phrase.encode("utf-8", "surrogateescape"))


def _cipher(key: bytes) -> Any:  # noqa: ANN401 - imported where it is needed
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
