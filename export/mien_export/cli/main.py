"""Where `mien-export` starts; `run_program` makes one sentence of every failure."""

from collections.abc import Sequence
from typing import NoReturn

from mien_models.system.crash.program import end_process, run_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mien-export`: exit status 0 when all is done, 1 when something failed, 2 for a wrong command line."""
    return run_program("mien-export", arguments, _command)


def start() -> NoReturn:
    """Be the process that `mien-export` is: run the command line and end with its status."""
    end_process(main())


def _command(words: list[str], is_debug: bool) -> None:
    from mien_export.cli.app import app

    app(words, prog_name="mien-export", obj=is_debug)
