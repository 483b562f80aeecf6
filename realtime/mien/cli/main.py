"""Where `mien` starts and where every failure becomes one sentence."""

import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from mien.cameras.environment import prepare_opencv
from mien.cli.app import app
from mien.cli.crash import write_crash
from mien_models.causes import outside_cause
from mien_models.errors import MienError, UsageError
from mien_models.printable import in_one_line
from mien_models.signals import termination_unwinds
from mien_models.streams import standard_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mien` and give its exit status; what went wrong becomes one sentence on stderr.

    `--debug` anywhere, or MIEN_DEBUG=1, shows the traceback too.
    """
    if arguments is None:
        _leave(main(sys.argv[1:]))
    prepare_opencv()
    words = list(arguments)
    is_debug = "--debug" in words or os.environ.get("MIEN_DEBUG", "") not in {"", "0"}
    with standard_streams():
        try:
            status = _run(words, is_debug=is_debug)
            # What cannot be written any more is no success.
            sys.stdout.flush()
        except Exception as error:
            if is_debug:
                raise
            print(f"mien: {in_one_line(_said_of(error, words))}", file=sys.stderr)
            return 2 if isinstance(error, UsageError) else 1
    return status


def _leave(status: int) -> NoReturn:
    """End the process; at once where a thread is still busy in a library, where Python would abort it."""
    if any(thread.daemon for thread in threading.enumerate()):
        os._exit(status)
    raise SystemExit(status)


def _run(words: Sequence[str], *, is_debug: bool) -> int:
    try:
        with termination_unwinds():
            app([word for word in words if word != "--debug"], prog_name="mien", obj=is_debug)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    return 0


def _said_of(error: Exception, words: Sequence[str]) -> str:
    """Say in one sentence what went wrong; what is nobody's but ours leaves a file behind."""
    if isinstance(error, MienError):
        return str(error)
    outside = outside_cause(error) if isinstance(error, OSError) else None
    return outside or write_crash(error, words)
