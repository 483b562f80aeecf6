"""The networks: what is built in and what was added, with licences in words; adding by a file or an address."""

import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.session.swappers import library
from mien.tracking.photo import public_domain_photo
from mien_models.errors import AmbiguousError, MienError, ModelError
from mien_models.library.add import Wishes, add, chosen
from mien_models.library.builtin import manifest_names, read_manifest
from mien_models.library.download import discard, fetch
from mien_models.library.inspect import look_at, needed_networks, recheck
from mien_models.library.self_test import try_out
from mien_models.library.web import is_address
from mien_models.system.printable import in_one_line
from mien_models.system.sentence import sentence

_PICTURE_S: Final = 240


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One network."""

    name: str
    kind: str
    family: str
    licence: str
    terms: str
    """What the licence allows, in a sentence."""
    is_built_in: bool
    fault: str = ""
    missing: tuple[str, ...] = ()
    """Networks without which it does not work, and which are not there."""


@dataclass(slots=True)
class Progress:
    """How far a model that is being added is; written by a thread, read by pages."""

    doing: str = ""
    done_bytes: int = 0
    total_bytes: int | None = None

    @property
    def part(self) -> float | None:
        """0..1; None where it is not known."""
        return self.done_bytes / self.total_bytes if self.total_bytes else None


class Models:
    """Lists, adds, tries and removes networks. Has state: what is being added now."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        """None while nothing is being added."""

    def rows(self) -> tuple[ModelRow, ...]:
        """Give every network, the user's own first."""
        store = library()
        return (*(_added(name) for name in store.names()), *_built_in())

    async def add(self, source: Path | str, called: str, name: str | None, answer: str | None) -> str:
        """Add a file that was sent, or one that an address names; give its name and how fast it is here.

        Raises:
            MienError: it does not come, is no network that Mien knows, or fails its self-test.
        """
        if self.progress is not None:
            raise MienError("Another network is being added; wait until it is done.")
        self.progress = Progress()
        try:
            return await asyncio.to_thread(self._add, source, called, name, answer, self.progress)
        finally:
            self.progress = None

    def _add(self, source: Path | str, called: str, name: str | None, answer: str | None, progress: Progress) -> str:
        store = library()
        if isinstance(source, Path):
            return _added_from(source, called, called, name=name, answer=answer, progress=progress)
        if not is_address(source) or not source.lower().startswith("https://"):
            raise ModelError(sentence("Give an address that begins with https://, or drop a file."))
        progress.doing = "downloading"

        def tell(done: int, total: int | None) -> None:
            progress.done_bytes, progress.total_bytes = done, total

        file = fetch(source, store.downloads(), sha256=None, progress=tell)
        try:
            return _added_from(file.path, file.file, file.origin, name=name, answer=answer, progress=progress)
        finally:
            discard(file)

    async def test(self, name: str) -> str:
        """Check a network again and say how fast it runs.

        Raises:
            MienError: it is not what was added, or does not run.
        """
        return await asyncio.to_thread(_tested, name)

    async def picture(self, name: str) -> bytes:
        """Swap a public portrait with a swapper and give the picture as JPEG.

        Raises:
            MienError: it does not work.
        """
        return await asyncio.to_thread(_picture, name)

    async def remove(self, name: str) -> None:
        """Remove a network of the user's.

        Raises:
            ModelError: there is none.
        """
        await asyncio.to_thread(library().remove, name)


def _added_from(
    path: Path, called: str, origin: str, *, name: str | None, answer: str | None, progress: Progress
) -> str:
    progress.doing = "looking"
    try:
        candidate = look_at(path, called=called)
    except AmbiguousError as error:
        raise ModelError(
            f"It may be {' or '.join(error.families)}; add it with 'mien models add FILE --as FAMILY'."
        ) from error
    spec = chosen(candidate.found, answer or None, called)
    progress.doing = "trying"
    done = add(library(), candidate, spec, Wishes(origin, name))
    manifest = done.stored.manifest
    return f"{manifest.name}: {manifest.licence.name}. {manifest.licence.sentence} {done.run_ms:.0f} ms."


def _tested(name: str) -> str:
    stored = library().find(name)
    recheck(stored)
    return f"{try_out(stored.folder, name):.0f} ms"


def _picture(name: str) -> bytes:
    photo = str(public_domain_photo())
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        made = Path(folder) / "tried.jpg"
        words = ["swap", "--swapper", name, "--face", photo, "--consent", "public-domain", photo, str(made)]
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "mien", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PICTURE_S,
            check=False,
        )
        if done.returncode or not made.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ModelError(in_one_line(said[-1].removeprefix("mien: ")) if said else "It could not be tried.")
        return made.read_bytes()


def _added(name: str) -> ModelRow:
    store = library()
    try:
        manifest = store.find(name).manifest
    except ModelError as error:
        return ModelRow(name, "damaged", "", "", "", is_built_in=False, fault=str(error))
    network = manifest.network
    missing = tuple(one for one in needed_networks(network) if one not in store.names())
    terms = manifest.licence
    return ModelRow(
        name, network.kind, network.architecture, terms.name, terms.sentence, is_built_in=False, missing=missing
    )


def _built_in() -> tuple[ModelRow, ...]:
    mesh = ModelRow(
        "mesh", "swapper", "mesh", "MIT", "The mesh swapper is Mien's own and has no weights.", is_built_in=True
    )
    found = (read_manifest(name) for name in manifest_names())
    others = (
        ModelRow(one.name, one.kind, one.architecture, one.licence.spdx, one.licence.sentence, is_built_in=True)
        for one in found
    )
    return (mesh, *others)
