"""What `mien models verify` does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mien.user_models import library
from mien_models.errors import ModelError
from mien_models.library.candidate import recheck
from mien_models.library.shelf import ModelLibrary
from mien_models.library.trying import try_out
from mien_models.printable import json_text

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
    shelf = library()
    checked: list[Checked] = []
    for name in names or shelf.names():
        if name not in shelf.names():
            shelf.find(name)
        with console.status(f"Checking {name} ..."):
            checked.append(_check(shelf, name))
    is_well = all(one.fault is None for one in checked)
    if as_json:
        print(json_text({"is_well": is_well, "models": [asdict(one) for one in checked]}))
    else:
        for one in checked:
            print(f"{one.name}: {one.fault or f'whole, runs in {one.run_ms:.0f} ms'}")
    return is_well


def _check(shelf: ModelLibrary, name: str) -> Checked:
    try:
        stored = shelf.find(name)
        recheck(stored)
        return Checked(name, try_out(stored.folder, name), None)
    except ModelError as error:
        return Checked(name, None, str(error))
