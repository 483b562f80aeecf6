"""The Content Credentials half of `mien verify`: what a file's manifest says, whoever wrote it, in our words."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from mien.media.formats import MEDIA_TYPES
from mien.provenance.c2pa.sign import MARK, NOTHING_FETCHED
from mien_models.errors import UsageError
from mien_models.system.causes import cause_of
from mien_models.system.json_text import json_object

if TYPE_CHECKING:
    from c2pa import ContextProvider

_MOST_LETTERS: Final = 200
_ABOUT_THE_FILE: Final = ("NotSupported", "Io", "Other: asset could not be parsed")
_REMOTE: Final = "must fetch remote manifest"
"""How c2pa-rs 0.91 begins the message of an error that has no kind of its own."""
_CHANGED: Final = "the picture or sound is not what was signed: the file was changed, or cut off"
_FORGED: Final = "the credentials themselves were changed"
_REASONS: Final = {
    "assertion.dataHash.mismatch": _CHANGED,
    "assertion.bmffHash.mismatch": _CHANGED,
    "assertion.boxesHash.mismatch": _CHANGED,
    "assertion.collectionHash.mismatch": _CHANGED,
    "assertion.hashedURI.mismatch": _FORGED,
    "claimSignature.mismatch": _FORGED,
    "signingCredential.expired": "the signer's certificate had expired, or was not valid yet",
    "signingCredential.revoked": "the signer's certificate was revoked",
    "signingCredential.invalid": "the signer's certificate is not made for Content Credentials",
}
"""The status codes of C2PA 2.2, 15.2.2, that people meet."""


class State(Enum):
    """What is to be thought of a file's Content Credentials."""

    NONE = "none"
    VALID = "valid"
    UNTRUSTED = "valid, signer not trusted"
    """Nothing was changed since it was signed; but anybody can make such a key and call it anything."""
    BROKEN = "broken/tampered"
    UNREADABLE = "unreadable"
    """The file is no picture or video that the library knows, or too damaged to be searched."""


def read_credentials(path: Path, trusted: Path | None = None) -> Mapping[str, object]:
    """Give what the manifest in a file says; nothing is fetched from the web for it.

    Args:
        path: the file.
        trusted: certificates, as PEM, of authorities whose signers count as trusted; None trusts nobody.

    Returns:
        `state`, a value of `State`; where there is a manifest also `generator`, `digital_source_type`, `session` (of
        our mark), `signer` and `signed_at`, each None where it says nothing; `reason` where something is wrong;
        `elsewhere`, the address of a manifest that the file only names.

    Raises:
        UsageError: the certificates cannot be read.
    """
    import c2pa

    settings = dict(NOTHING_FETCHED)
    if trusted is not None:
        settings["trust"] = {"trust_anchors": _anchors(trusted)}
    try:
        with c2pa.Context.from_dict(settings) as context, path.open("rb") as file:
            return _read(file, context)
    except (c2pa.C2paError, OSError) as error:
        return _failed(error, path)


def _failed(error: Exception, path: Path) -> Mapping[str, object]:
    """Tell what the library refused from how its message begins: the errors are made at run time."""
    message = str(error)
    if _REMOTE in message:
        return {"state": State.NONE.value, "elsewhere": _shown(message.rpartition(" ")[2])}
    if message.startswith("NotSupported") and path.suffix.lower() not in MEDIA_TYPES:
        return {"state": State.NONE.value, "reason": "this kind of file cannot carry them"}
    if isinstance(error, OSError) or message.startswith(_ABOUT_THE_FILE):
        return {"state": State.UNREADABLE.value, "reason": f"the file is damaged or cut off ({_shown(message)})"}
    return {"state": State.BROKEN.value, "reason": _shown(message)}


def _read(file: BinaryIO, context: "ContextProvider") -> Mapping[str, object]:
    import c2pa

    reader = c2pa.Reader.try_create(None, file, context=context)
    if reader is None:
        return {"state": State.NONE.value}
    with reader:
        try:
            return _said(json_object(reader.json()))
        except ValueError as error:
            return {"state": State.BROKEN.value, "reason": f"what they say cannot be read: {_shown(error)}"}


def _said(store: Mapping[str, Any]) -> Mapping[str, object]:
    manifest = _mapping(_mapping(store.get("manifests")).get(str(store.get("active_manifest"))))
    signature = _mapping(manifest.get("signature_info"))
    codes = [str(status.get("code")) for status in _mappings(store.get("validation_status"))]
    state = {"Trusted": State.VALID, "Valid": State.UNTRUSTED}.get(str(store.get("validation_state")), State.BROKEN)
    created = next((action for action in _actions(manifest) if action.get("digitalSourceType")), _mapping(None))
    found: dict[str, object] = {
        "state": state.value,
        "generator": _generator(manifest),
        "digital_source_type": _shown(created.get("digitalSourceType")),
        "session": _session(manifest),
        "signer": _shown(signature.get("common_name") or signature.get("issuer")),
        "signed_at": _shown(signature.get("time") or created.get("when")),
    }
    if state is State.BROKEN:
        found["reason"] = _why(codes)
    return found


def _why(codes: Sequence[str]) -> str:
    """Say the most telling of the status codes."""
    known = [code for code in _REASONS if code in codes]
    return _REASONS[known[0]] if known else ", ".join(codes) or "it does not say what is wrong"


def _generator(manifest: Mapping[str, Any]) -> str | None:
    for info in _mappings(manifest.get("claim_generator_info")):
        return _shown(" ".join(str(info[key]) for key in ("name", "version") if info.get(key)))
    return _shown(manifest.get("claim_generator"))


def _session(manifest: Mapping[str, Any]) -> str | None:
    for data in _assertions(manifest, "c2pa.soft-binding"):
        if data.get("alg") == MARK:
            for block in _mappings(data.get("blocks")):
                return _shown(block.get("value"))
    return None


def _actions(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for data in _assertions(manifest, "c2pa.actions"):
        yield from _mappings(data.get("actions"))


def _assertions(manifest: Mapping[str, Any], label: str) -> Iterator[Mapping[str, Any]]:
    for assertion in _mappings(manifest.get("assertions")):
        if str(assertion.get("label")).startswith(label):
            yield _mapping(assertion.get("data"))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [_mapping(one) for one in cast("list[object]", value)] if isinstance(value, list) else []


def _shown(value: object) -> str | None:
    """Give a stranger's text as one line that is safe on a terminal."""
    if value is None or value == "":
        return None
    line = " ".join(str(value).split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:_MOST_LETTERS]


def _anchors(trusted: Path) -> str:
    try:
        text = trusted.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The certificates {str(trusted)!r} cannot be read as PEM: {cause_of(error)}.") from error
    if "BEGIN CERTIFICATE" not in text:
        raise UsageError(f"The file {str(trusted)!r} holds no certificate. Give authorities as PEM.")
    return text
