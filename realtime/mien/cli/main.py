"""Where `mien` starts; `run_program` makes one sentence of every failure."""

from collections.abc import Sequence
from typing import NoReturn

from mien_models.system.crash.program import end_process, run_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mien` and give its exit status; what went wrong is one sentence on stderr."""
    return run_program("mien", arguments, _command)


def start() -> NoReturn:
    """Be the process that `mien` is: run the command line and end with its status."""
    end_process(main())


def _command(words: list[str], is_debug: bool) -> None:
    # Inside the edge: a damaged installation is a failure like any other.
    from mien.cli.app import app
    from mien.cli.bench import bench
    from mien.cli.flags import flags_taken
    from mien.config.process import prepare_opencv

    prepare_opencv()
    flags_taken((app, bench), words)
    app(words, prog_name="mien", obj=is_debug)
