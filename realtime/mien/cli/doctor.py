"""`mien doctor`: what works here and what to install."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from mien.cli.flags import Json
from mien_models.system.printable import json_text

if TYPE_CHECKING:
    from mien.diagnostics.doctor.checks import Check


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Say what works here, what does not and what to install; exit 1 if something that Mien needs is broken."""
    from mien.cli.console import terminal
    from mien.diagnostics.doctor.checks import Verdict
    from mien.diagnostics.doctor.run import examine

    with terminal(is_debug=bool(context.obj)) as console, console.status("Looking around ..."):
        checks = tuple(examine())
    is_healthy = all(check.verdict is not Verdict.BROKEN for check in checks)
    if as_json:
        rows = [{**asdict(check), "verdict": check.verdict.value} for check in checks]
        print(json_text({"is_healthy": is_healthy, "checks": rows}))
    else:
        _print_table(checks)
    if not is_healthy:
        raise typer.Exit(1)


def _print_table(checks: Sequence["Check"]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mien.diagnostics.doctor.checks import Verdict

    styles = {Verdict.OK: "green", Verdict.ADVICE: "yellow", Verdict.BROKEN: "bold red"}
    table = Table.grid(padding=(0, 2))
    for check in checks:
        word = check.verdict.value if check.verdict is not Verdict.BROKEN else "BROKEN"
        table.add_row(Text(word, styles[check.verdict]), Text(check.name, "bold"), Text(check.found))
        if check.advice:
            table.add_row("", "", Text(f"-> {check.advice}", styles[check.verdict]))
    console = Console(highlight=False)
    # A program that reads this gets whole lines.
    (console if console.is_terminal else Console(highlight=False, width=400)).print(table)
