"""`mien log`: which sessions there were on this computer."""

import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from mien.cli import flags
from mien_models.errors import UsageError
from mien_models.system.printable import in_one_line, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mien.provenance.audit_log.chain import Entry

log: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_SHOWN: Final = 40


@log.callback()
def look() -> None:
    """Read, check or forget the local log: sessions, faces by name, states and outputs; never a picture."""


@log.command()
def show(
    as_json: flags.Json = False,
    last: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many lines from the end.")] = _SHOWN,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Only this session, six digits.")] = None,
) -> None:
    """Print the log's last lines, oldest first."""
    from collections import deque

    from mien.provenance.audit_log.log import AuditLogError
    from mien.session.audit import local_audit_log

    audit_log = local_audit_log()
    with suppress(AuditLogError):  # what cannot be written to can still be read
        audit_log.end_gone()
    entries: deque[Entry] = deque(
        (one for one in audit_log.entries() if session is None or one.session == session.lower()), maxlen=last
    )
    if as_json:
        print(json_text([asdict(entry) | {"sha256": entry.sha256} for entry in entries]))
        return
    for entry in entries:
        # Whatever somebody wrote into the file, a terminal does not obey it.
        print(in_one_line(f"{entry.at}  {entry.session or '------'}  {entry.kind:8}  {_said(entry)}"))
    if not entries:
        print("There is nothing in the log.", file=sys.stderr)


@log.command()
def verify(as_json: flags.Json = False) -> None:
    """Follow the log's chain: exit 1 when a line was changed, exchanged or cut off."""
    from mien.session.audit import local_audit_log

    audit_log = local_audit_log()
    found = audit_log.examine()
    if as_json:
        print(json_text({"whole": found.is_whole, **asdict(found)}))
    elif found.is_whole:
        print(f"The log is whole: {found.entries} lines, each with the hash of the one before.")
    if found.fault is not None:
        print(f"Line {found.fault.line} of {audit_log.path}: {found.fault.why}.", file=sys.stderr)
    if found.cut_off:
        print(f"{found.cut_off} lines are missing at the end of {audit_log.path}.", file=sys.stderr)
    for name in found.damaged_files:
        print(f"An earlier log was found damaged and kept as {audit_log.path.with_name(name)}.", file=sys.stderr)
    if not found.is_whole:
        raise typer.Exit(1)


@log.command()
def purge(
    before: Annotated[str | None, typer.Option(metavar="DATE", help="Only what is older, as 2026-11-24.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget the log, or what is older than a date; what is left can still be verified, and the purge stands in it."""
    from mien.cli.console import asker
    from mien.session.audit import local_audit_log

    moment = None if before is None else _date(before)
    if not yes:
        ask = asker()
        if ask is None:
            raise UsageError("Forgetting the log has to be confirmed: add --yes.")
        what = "all of the log" if before is None else f"what is older than {before}"
        if ask(f"Forget {what}? It cannot be brought back. [y/N] ").strip().lower() not in {"y", "yes"}:
            print("Nothing was forgotten.", file=sys.stderr)
            return
    print(f"{local_audit_log().purge(moment)} lines were forgotten.", file=sys.stderr)


def _date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--before takes a date such as 2026-11-24, not {text!r}.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _said(entry: "Entry") -> str:
    if "said" in entry.fields:
        return str(entry.fields["said"])
    return ", ".join(f"{name}: {_plain(value)}" for name, value in entry.fields.items())


def _plain(value: object) -> str:
    if isinstance(value, list):
        return " + ".join(str(one) for one in cast("Iterable[object]", value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {str(digest)[:12]}" for name, digest in cast("dict[str, Any]", value).items())
    return str(value)
