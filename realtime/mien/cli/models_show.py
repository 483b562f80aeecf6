"""What `mien models list` and `mien models info` show."""

import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import tomli_w

from mien.session.swappers import library
from mien_models.errors import ModelError
from mien_models.library.builtin import manifest_names, read_manifest
from mien_models.library.inspect import needed_networks, recheck
from mien_models.library.self_test import try_out
from mien_models.library.store import ModelLibrary
from mien_models.library.tuning import settings_of
from mien_models.specs.network import SwapSpec, Terms
from mien_models.specs.stored import StoredModel, manifest_toml
from mien_models.system.printable import json_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one model."""

    name: str
    run_ms: float | None
    """One run on the processor; None where it does not come so far."""
    fault: str | None


def verify_models(names: Sequence[str], as_json: bool, console: "Console") -> bool:
    """Check models and print a line for each, or JSON; say whether all are well.

    Raises:
        ModelError: none of that name is there.
    """
    store = library()
    checked: list[Checked] = []
    for name in names or store.names():
        if name not in store.names():
            store.find(name)
        with console.status(f"Checking {name} ..."):
            checked.append(_check(store, name))
    is_well = all(one.fault is None for one in checked)
    if as_json:
        print(json_text({"is_well": is_well, "models": [asdict(one) for one in checked]}))
    else:
        for one in checked:
            print(f"{one.name}: {one.fault or f'whole, runs in {one.run_ms:.0f} ms'}")
    return is_well


def _check(store: ModelLibrary, name: str) -> Checked:
    try:
        stored = store.find(name)
        recheck(stored)
        return Checked(name, try_out(stored.folder, name), None)
    except ModelError as error:
        return Checked(name, None, str(error))


MESH: Final = "mesh"


MESH_TERMS: Final = Terms("MIT", "The mesh swapper is Mien's own and has no weights.")


@dataclass(frozen=True, slots=True)
class Row:
    """One model in the list."""

    name: str
    kind: str
    family: str
    runtime: str
    """The engine that runs it."""
    licence: Terms
    origin: str
    sha256: str
    is_built_in: bool
    missing: tuple[str, ...] = ()
    """Models without which it does not work, and which are not there."""
    fault: str = ""
    """Why it cannot be used."""


def show_list(as_json: bool) -> None:
    """Print every model: a table for people, or JSON."""
    rows = [*_built_in(), *_added(library())]
    if as_json:
        print(json_text({"folder": str(library().folder), "models": [as_data(row) for row in rows]}))
        return
    _print_table(rows)


def show_one(name: str, as_json: bool) -> None:
    """Print all that is known of one model: as TOML, or JSON.

    Raises:
        ModelError: there is none of that name, or its manifest is damaged.
    """
    facts = _facts(name)
    if as_json:
        print(json_text(facts))
        return
    print(tomli_w.dumps({key: value for key, value in facts.items() if value not in (None, "", [])}), end="")


def print_added(stored: StoredModel, as_json: bool) -> None:
    """Print the model that was added: its name, or all as JSON."""
    print(json_text(as_data(row_of(stored, library()))) if as_json else stored.manifest.name)


def print_settings(stored: StoredModel, as_json: bool) -> None:
    """Print what is set of a swapper: NAME=VALUE lines, or JSON."""
    spec = stored.manifest.network
    values = settings_of(spec) if isinstance(spec, SwapSpec) else {}
    print(json_text(values) if as_json else "\n".join(f"{key}={value}" for key, value in values.items()))


def as_data(row: Row) -> dict[str, object]:
    """Give what JSON shows of a row."""
    facts: dict[str, object] = dataclasses.asdict(row)
    return {**facts, "missing": list(row.missing), "fault": row.fault or None}


def row_of(stored: StoredModel, store: ModelLibrary) -> Row:
    """Describe a model that was added."""
    manifest = stored.manifest
    there = store.names()
    return Row(
        name=manifest.name,
        kind=manifest.network.kind,
        family=manifest.network.architecture,
        runtime="onnx",
        licence=manifest.licence,
        origin=manifest.origin,
        sha256=manifest.sha256,
        is_built_in=False,
        missing=tuple(one for one in needed_networks(manifest.network) if one not in there),
    )


def _built_in() -> list[Row]:
    rows = [Row(MESH, "swapper", MESH, "cpu", MESH_TERMS, "Mien", "", is_built_in=True)]
    for name in manifest_names():
        one = read_manifest(name)
        terms = Terms(one.licence.spdx, one.licence.sentence)
        origin = one.origin.told
        rows.append(Row(name, one.kind, one.architecture, one.runtime, terms, origin, one.sha256, is_built_in=True))
    return rows


def _added(store: ModelLibrary) -> list[Row]:
    rows: list[Row] = []
    for name in store.names():
        try:
            rows.append(row_of(store.find(name), store))
        except ModelError as error:
            nothing = Terms("unknown", "Its manifest cannot be read.")
            rows.append(Row(name, "damaged", "", "", nothing, "", "", is_built_in=False, fault=str(error)))
    return rows


def _facts(name: str) -> dict[str, object]:
    for row in _built_in():
        if row.name == name:
            return as_data(row)
    store = library()
    stored = store.find(name)
    facts = as_data(row_of(stored, store))
    # Through its text, so that what is not said is left out.
    described = tomllib.loads(manifest_toml(stored.manifest))
    return {**facts, "folder": str(stored.folder), "file": stored.manifest.file, "network": described["network"]}


def _print_table(rows: Sequence[Row]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for title in ("Name", "Kind", "Architecture", "Runs on", "Licence"):
        table.add_column(title, overflow="fold")
    for row in rows:
        terms = f"{row.licence.name}: {row.licence.sentence}"
        # Text, not markup: a name or licence is somebody else's.
        cells = (row.name + (" (built in)" if row.is_built_in else ""), row.kind, row.family, row.runtime, terms)
        table.add_row(*(Text(cell) for cell in cells))
        for note in (row.fault, *(f"It needs {name!r}, which is not there." for name in row.missing)):
            if note:
                table.add_row("", "", "", "", Text(f"-> {note}", "yellow"))
    console = Console(highlight=False)
    # A program that reads this gets whole lines.
    (console if console.is_terminal else Console(highlight=False, width=400)).print(table)
