"""Puts files into a library as the command line does, and looks at what is left of it."""

from pathlib import Path
from typing import Any

from mien_models.library.add import Added, Wishes, add, chosen
from mien_models.library.inspect import look_at
from mien_models.library.store import ModelLibrary


def added(library: ModelLibrary, path: Path, **wishes: Any) -> Added:
    candidate = look_at(path)
    return add(library, candidate, chosen(candidate.found, None, path.name), Wishes(origin=path.name, **wishes))


def everything_in(library: ModelLibrary) -> list[str]:
    return sorted(path.name for path in library.folder.rglob("*")) if library.folder.exists() else []
