"""Where `mien-export` starts and where every failure becomes one sentence."""

import sys

import typer

from mien_export.cli.app import app
from mien_models.causes import outside_cause
from mien_models.errors import MienError, UsageError
from mien_models.printable import in_one_line
from mien_models.signals import termination_unwinds
from mien_models.streams import standard_streams


def main() -> None:
    """Run `mien-export`: exit status 0 when all is done, 1 when something failed, 2 for a wrong command line."""
    with standard_streams():
        try:
            status = _run()
            # What cannot be written any more is no success.
            sys.stdout.flush()
        except MienError as error:
            _say(str(error))
            raise SystemExit(2 if isinstance(error, UsageError) else 1) from error
        except OSError as error:
            outside = outside_cause(error)
            if outside is None:
                raise
            _say(outside)
            raise SystemExit(1) from error
    raise SystemExit(status)


def _run() -> int:
    try:
        with termination_unwinds():
            app()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    return 0


def _say(sentence: str) -> None:
    typer.echo(f"mien-export: {in_one_line(sentence)}", err=True)
