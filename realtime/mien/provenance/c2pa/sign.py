"""Signs what was written: the Content Credentials go into the file itself."""

import contextlib
import io
import json
import logging
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from mien_models.errors import SinkError, UsageError
from mien_models.system import folders
from mien_models.system.atomic_write import beside, replacing, whole_name
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.one_writer import SIGNED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from mien.provenance.c2pa.identity import Identity

COMPOSITE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture of which AI made a part: a swapped face in a frame of a camera."""
MARK: Final = "mien-livemark-1"
"""The invisible mark as docs/livemark.md specifies it."""
GENERATOR: Final = "Mien"
_FOOTAGE: Final = "footage"
NOTHING_FETCHED: Final[dict[str, Any]] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    # A file can name hosts in more places than these two switches are for (an identity's did:web, a timestamp): none
    # of them may be asked.
    "core": {"allowed_network_hosts": [], "allow_redirects": False},
}
"""Settings of `c2pa.Context`: no manifest, certificate status or identity document is brought from anywhere."""
_LOG = logging.getLogger(__name__)
_SAY_EVERY_NS: Final = 2_000_000_000
_PASSES: Final = 2
"""A file is read once and written once."""
_SETTINGS: Final = {"builder": {"thumbnail": {"enabled": False}}, **NOTHING_FETCHED}
"""No thumbnails: they would show a picture of the file without its marks."""


def signed_name(path: Path) -> Path:
    """Name the file that grows beside `path` while that is signed."""
    return beside(path, SIGNED)


class SigningError(SinkError):
    """A file stays as it is, without Content Credentials; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class UsersCertificate:
    """A certificate of the user's own, with its key, both PEM."""

    certificate: Path
    key: Path


class Signer:
    """Signs the files of one session. Has state: the identity, read or made when it is first needed.

    Nothing is fetched from or sent to anywhere. Several threads may sign at once.
    """

    def __init__(self, session: str | None = None, users: UsersCertificate | None = None) -> None:
        """Take the session whose mark the files carry, and the user's certificate instead of one of our own."""
        self.session: Final = session
        """The six hexadecimal digits of the mark, None where it is not known."""
        self._users = users

    def check(self) -> None:
        """Make sure that signing will work, before any work is done for it.

        Raises:
            UsageError: the user's certificate cannot be used, and why.
            MienError: no key can be made for this installation.
        """
        if self._users is None:
            _ = self._identity
            return
        try:
            self._sign("image/png", io.BytesIO(_smallest_png()), io.BytesIO(), None)
        except SigningError as error:
            raise UsageError(
                f"The certificate {str(self._users.certificate)!r} cannot sign Content Credentials: {error.__cause__}. "
                "Take one that is made for it."
            ) from error

    def sign(self, path: Path, media_type: str, *, input_media_type: str | None = None) -> None:
        """Put the credentials into a file that is closed; it needs as much space again while that lasts.

        Where it lasts, the log says how far it is.

        Raises:
            SigningError: it could not be done; the file is as it was.
        """
        try:
            counted = _Progress(whole_name(path), _PASSES * path.stat().st_size)
            with (
                replacing(path, part=signed_name(path)) as signed,
                _CountingFile(path, "rb", counted) as source,
                _CountingFile(signed, "w+b", counted) as target,
            ):
                try:
                    self._sign(media_type, source, target, input_media_type)
                except SigningError:
                    # The library says of its own words only that something did not work.
                    _raise_failure(source, target)
                    raise
        except OSError as error:
            raise SigningError(f"It cannot be signed: {cause_of(error)}. {advice_for(error)}") from error

    def signed(self, content: bytes, media_type: str) -> bytes:
        """Give a small file's content with credentials in it.

        Raises:
            SigningError: it could not be done.
        """
        target = io.BytesIO()
        self._sign(media_type, io.BytesIO(content), target, None)
        return target.getvalue()

    @cached_property
    def _identity(self) -> "Identity":
        from mien.provenance.c2pa.identity import own_identity, users_identity

        if self._users is not None:
            return users_identity(self._users.certificate, self._users.key)
        return own_identity(folders.data_folder() / "credentials")

    def _sign(self, media_type: str, source: BinaryIO, target: BinaryIO, input_media_type: str | None) -> None:
        import c2pa

        identity = self._identity
        said = json.dumps(manifest(self.session, input_media_type, datetime.now(UTC)))
        algorithm = c2pa.C2paSigningAlg[identity.algorithm]
        try:
            with (
                c2pa.Context.from_dict(_SETTINGS) as context,
                c2pa.Signer.from_callback(identity.sign, algorithm, identity.chain_pem, None) as signer,
                c2pa.Builder(said, context) as builder,
            ):
                builder.sign(signer, media_type, source, target)
        except c2pa.C2paError as error:
            raise SigningError(f"It cannot be signed: {one_line(error)}.") from error


class _Progress:
    """Says every few seconds how far the signing of a file is. Has state: the bytes that were read and written."""

    def __init__(self, name: str, expected: int) -> None:
        self._name = name
        self._expected = max(expected, 1)
        self._done = 0
        self._said_ns = time.monotonic_ns()

    def add(self, count: int | None) -> None:
        self._done += count or 0
        now_ns = time.monotonic_ns()
        if now_ns - self._said_ns > _SAY_EVERY_NS:
            self._said_ns = now_ns
            # Some kinds of files are read several times.
            _LOG.info("Signing %s: %d %%.", self._name, min(99, 100 * self._done // self._expected))


class _CountingFile(io.FileIO):
    """A file that tells what is read from it and written to it. Has state: what the system refused, if it did."""

    def __init__(self, path: Path, mode: str, count: _Progress) -> None:
        super().__init__(path, mode)
        self._count = count
        self.failure: OSError | None = None

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        with self._noted():
            done = super().readinto(buffer)
        self._count.add(done)
        return done

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of it: a disk that is nearly full takes a part, which the library would take for the whole."""
        view = memoryview(content).cast("B")
        done = 0
        while done < len(view):
            with self._noted():
                done += super().write(view[done:])
        self._count.add(done)
        return done

    @contextlib.contextmanager
    def _noted(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self.failure = error
            raise


def _raise_failure(*files: _CountingFile) -> None:
    for file in files:
        if file.failure is not None:
            raise file.failure


def one_line(error: Exception) -> str:
    """Give what a library says as one line without its full stop."""
    return " ".join(str(error).split()).rstrip(".")


def _smallest_png() -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, "PNG")
    return content.getvalue()


def manifest(session: str | None, input_media_type: str | None, when: datetime) -> Mapping[str, Any]:
    """Describe a file in the manifest definition of c2pa-rs (claim version 2).

    Neither names of files nor anything of the source face's photo are in it: it travels wherever the file does.

    Args:
        session: the six hexadecimal digits in the file's invisible mark.
        input_media_type: media type of the picture or video whose faces were replaced; None for a camera.
        when: the time that is stated, in UTC.
    """
    agent = {"name": GENERATOR, "version": version("mien")}
    created = {
        "action": "c2pa.created",
        "when": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "digitalSourceType": COMPOSITE,
        "softwareAgent": agent,
        "description": "A face was replaced by another one with AI.",
    }
    actions: list[Mapping[str, Any]] = [created]
    assertions: list[Mapping[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    described: dict[str, Any] = {"claim_generator_info": [agent], "assertions": assertions}
    if input_media_type is not None:
        # Given as words, not as a file: the library would take over thumbnails that show the face that was there.
        described["ingredients"] = [
            {"label": _FOOTAGE, "title": "Source footage", "format": input_media_type, "relationship": "componentOf"}
        ]
        actions.append({"action": "c2pa.placed", "parameters": {"ingredientIds": [_FOOTAGE]}})
    if session is not None:
        actions.append({"action": "c2pa.watermarked.bound"})
        block: Mapping[str, Any] = {"scope": {}, "value": session}
        assertions.append({"label": "c2pa.soft-binding", "data": {"alg": MARK, "blocks": [block]}})
    return described
