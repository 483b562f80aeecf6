"""What `mien models add` and `mien models remove` do."""

import hashlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.cli.console import download_bar
from mien.session.swappers import library
from mien_models.architectures._registry import ARCHITECTURES, Recognised
from mien_models.errors import AmbiguousError, ModelError
from mien_models.library.add import Wishes, add, chosen
from mien_models.library.download import checked_hash, discard, fetch
from mien_models.library.inspect import (
    MAP_FILE,
    Candidate,
    look_as_described,
    look_at,
    needed_networks,
    read_description,
)
from mien_models.library.store import ModelLibrary
from mien_models.library.tuning import read_changes, tuned
from mien_models.library.web import is_address
from mien_models.specs.network import UserManifest
from mien_models.specs.stored import StoredModel

if TYPE_CHECKING:
    from rich.console import Console

_LOG = logging.getLogger(__name__)
_KINDS: Final = {"swapper": "a swapper", "identity": "an identity network", "converter": "a converter"}
Ask = Callable[[str], str] | None


@dataclass(frozen=True, slots=True)
class Request:
    """What the flags of `mien models add` say; None where they say nothing."""

    source: str
    name: str | None = None
    family: str | None = None
    answer: str | None = None
    licence: str | None = None
    map_file: Path | None = None
    sha256: str | None = None
    replaces: bool = False
    template: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A candidate and where it comes from."""

    candidate: Candidate
    origin: str
    folder: Path | None = None
    """Where its neighbours lie; None for a download."""


def add_model(request: Request, console: "Console", ask: Ask) -> StoredModel:
    """Add a file, an address or a manifest, and say what it is and under what terms.

    Raises:
        UsageError: something has to be said first, or a flag is wrong.
        ModelError: it does not come, is no network that Mien knows, or fails its self-test.
    """
    store = library()
    if request.family is not None:
        ARCHITECTURES.check(request.family)
    if request.name is not None:
        store.check_free(request.name, replaces=request.replaces)
    with _found(request, store, console, ask) as found:
        spec = chosen(found.candidate.found, request.answer or _asked(found.candidate.found, ask), request.source)
        mapped = _map_of(request, found)
        wishes = Wishes(found.origin, request.name, request.licence, mapped, request.replaces, request.template)
        with console.status("Trying it in a process of its own ..."):
            added = add(store, found.candidate, spec, wishes)
    manifest = added.stored.manifest
    kind = _KINDS[spec.kind]
    _LOG.info("%s: %s of the family %s, %.1f ms a run here.", manifest.name, kind, spec.architecture, added.run_ms)
    _LOG.info("Licence: %s. %s", manifest.licence.name, manifest.licence.sentence)
    for name in needed_networks(spec):
        if name not in store.names():
            _LOG.warning("It needs %r too: mien models add FILE.onnx --name %s", name, name)
    return added.stored


def set_of_model(name: str, words: Sequence[str]) -> StoredModel:
    """Change what is kept with a swapper: NAME=VALUE words.

    Raises:
        UsageError: a word is wrong.
        ModelError: no model has that name.
    """
    changes = read_changes(list(words))
    store = library()
    return store.describe_anew(tuned(store.find(name).manifest, changes))


def remove_models(names: Sequence[str]) -> None:
    """Remove models; what others need is said.

    Raises:
        ModelError: one is not there.
    """
    store = library()
    for name in names:
        store.remove(name)
        _LOG.info("%s is removed.", name)
    removed = set(names)
    for left in store.names():
        for name in sorted(_needs(store, left) & removed):
            _LOG.warning("%s needs %r, which is gone now.", left, name)


def _needs(store: ModelLibrary, name: str) -> set[str]:
    try:
        return set(needed_networks(store.find(name).manifest.network))
    except ModelError:
        return set()


@contextmanager
def _found(request: Request, store: ModelLibrary, console: "Console", ask: Ask) -> Generator[_Found]:
    """Look at what the source names; a download stays only for as long as an answer is missing."""
    path = Path(request.source)
    manifest = None
    if not is_address(request.source) and path.suffix.lower() == ".toml":
        manifest = read_description(path)
        path = path.parent / manifest.file
    if is_address(request.source) or (manifest is not None and not path.exists() and is_address(manifest.origin)):
        with _downloaded(request, manifest, store, console, ask) as found:
            yield found
        return
    candidate = _looked(path, path.name, request, manifest, ask)
    _check_hash(request, path)
    yield _Found(candidate, manifest.origin if manifest is not None else path.name, path.parent)


@contextmanager
def _downloaded(
    request: Request, manifest: UserManifest | None, store: ModelLibrary, console: "Console", ask: Ask
) -> Generator[_Found]:
    address = request.source if manifest is None else manifest.origin
    sha256 = request.sha256 if manifest is None else manifest.sha256
    with download_bar(console, address.partition("?")[0].rpartition("/")[2]) as progress:
        file = fetch(address, store.downloads(), sha256=sha256, progress=progress)
    if sha256 is None:
        _LOG.info("Nobody said what its hash has to be; it is: --sha256 %s", file.sha256)
    try:
        yield _Found(_looked(file.path, file.file, request, manifest, ask), file.origin)
    except ModelError:
        discard(file)
        raise
    discard(file)


def _looked(path: Path, called: str, request: Request, manifest: UserManifest | None, ask: Ask) -> Candidate:
    if manifest is not None:
        return look_as_described(path, manifest)
    try:
        return look_at(path, called=called, family=request.family)
    except AmbiguousError as error:
        if ask is None:
            raise
        answer = ask(f"It may be {' or '.join(error.families)}. Which is it? [{'|'.join(error.families)}]").strip()
        if answer not in error.families:
            raise
        return look_at(path, called=called, family=answer)


def _check_hash(request: Request, path: Path) -> None:
    wanted = checked_hash(request.sha256)
    if wanted is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise ModelError(
            f"{request.source!r} is not the file that was wanted: sha256 should be {wanted}, is {found}. Get it again."
        )


def _asked(found: Recognised, ask: Ask) -> str | None:
    if not found.question or ask is None:
        return None
    return ask(f"{found.question} [{'|'.join(found.specs)}]").strip() or None


def _map_of(request: Request, found: _Found) -> Path | None:
    """Take the identity map that was given, or the one that lies beside the file."""
    if request.map_file is not None or found.folder is None:
        return request.map_file
    beside = found.folder / MAP_FILE
    return beside if beside.is_file() else None
