"""A candidate becomes a model: the question is answered, it is written aside, tried, and given its name."""

from dataclasses import dataclass
from pathlib import Path

from mien_models.architectures._registry import Recognised
from mien_models.errors import UsageError
from mien_models.library.inspect import MAP_FILE, Candidate, needs_map, read_map
from mien_models.library.self_test import try_out
from mien_models.library.store import ModelLibrary
from mien_models.library.tuning import tuned
from mien_models.specs.network import NetworkSpec, Terms, UserManifest
from mien_models.specs.stored import StoredModel


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user says of a model; None for what Mien may choose."""

    origin: str
    """Where it comes from: an address, or the name of a file."""
    name: str | None = None
    licence: str | None = None
    """What its terms are called, where the user knows better."""
    map_file: Path | None = None
    replaces: bool = False
    template: str | None = None
    """How its faces shall be aligned, where the user knows better."""


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was added."""

    stored: StoredModel
    run_ms: float
    """What one run took on the processor."""


def chosen(found: Recognised, answer: str | None, file: str) -> NetworkSpec:
    """Take the spec that an answer chooses; no answer is needed where there is nothing to ask.

    Raises:
        UsageError: an answer is missing or is none of those that are possible.
    """
    if not found.question:
        return next(iter(found.specs.values()))
    choices = "|".join(found.specs)
    if answer is None:
        raise UsageError(f"{file!r} does not say it all: {found.question} Say it with --answer {choices}.")
    if answer not in found.specs:
        raise UsageError(f"--answer takes {choices} for {file!r}, but got {answer!r}. {found.question}")
    return found.specs[answer]


def add(library: ModelLibrary, candidate: Candidate, spec: NetworkSpec, wishes: Wishes) -> Added:
    """Copy a candidate into the library and try it there, in another process; it stays only when it passes.

    Raises:
        UsageError: its name is taken or cannot be one, its identity map is missing, or no template has that name.
        ModelError: it cannot be written, or fails its self-test.
    """
    name = wishes.name or candidate.suggested_name(spec)
    # Before anything that takes long.
    library.check_free(name, replaces=wishes.replaces)
    files = {candidate.file: candidate.content}
    if needs_map(spec):
        files[MAP_FILE] = _map(wishes.map_file, candidate.file)
    manifest = UserManifest(
        name=name,
        file=candidate.file,
        sha256=candidate.sha256,
        origin=wishes.origin,
        licence=_terms(candidate.found.terms, wishes.licence),
        network=spec,
        side_file=MAP_FILE if needs_map(spec) else None,
    )
    if wishes.template is not None:
        manifest = tuned(manifest, {"template": wishes.template})
    with library.new(manifest, files, replaces=wishes.replaces) as aside:
        run_ms = try_out(aside.folder, name)
    return Added(library.find(name), run_ms)


def _map(path: Path | None, file: str) -> bytes:
    if path is None:
        raise UsageError(
            f"{file!r} lacks its identity map, which some programs throw away as unused. Give the {MAP_FILE} that "
            "belongs to it with --map, or add the original file."
        )
    return read_map(path)


def _terms(usual: Terms, licence: str | None) -> Terms:
    if licence is None:
        return usual
    return Terms(licence, f"You said that these weights are under {licence}: keep to it.")
