"""Where `mien-export` starts and where every failure becomes one sentence."""

import typer

from mien_export.cli.app import app
from mien_models.errors import MienError, UsageError


def main() -> None:
    """Run `mien-export`: exit status 0 when all is done, 1 when something failed, 2 for a wrong command line."""
    try:
        app()
    except MienError as error:
        typer.echo(f"mien-export: {error}", err=True)
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from error
