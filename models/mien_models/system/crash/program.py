"""The edge of a program: every way in which a command can end, as an exit status and at most one sentence."""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import IO, Final, NoReturn

from mien_models.errors import MienError, UsageError
from mien_models.system.causes import outside_cause
from mien_models.system.crash.edge import fault
from mien_models.system.crash.fatal import fatal_errors_kept
from mien_models.system.crash.record import brief, sentence_of
from mien_models.system.printable import in_one_line
from mien_models.system.signals import termination_unwinds
from mien_models.system.streams import standard_streams

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_LOG: Final = logging.getLogger(__name__)
_DEBUG: Final = "--debug"
_DEBUG_VARIABLE: Final = "MIEN_DEBUG"


def run_program(name: str, words: Sequence[str] | None, work: Callable[[list[str], bool], object]) -> int:
    """Run a command and give its exit status.

    A failure of ours is its sentence on stderr; any other is one sentence that names a crash file. Ctrl-C is neither.
    `--debug` anywhere, or MIEN_DEBUG=1, lets errors out with their traceback.

    Args:
        name: what sentences begin with: 'mien'.
        words: of the command line; the process's own by default.
        work: gets the words without `--debug`, and whether it was there.
    """
    given = list(sys.argv[1:] if words is None else words)
    asked = [word for word in given if word != _DEBUG]
    is_debug = len(asked) < len(given) or os.environ.get(_DEBUG_VARIABLE, "") not in {"", "0"}
    with standard_streams():
        status = _ended(name, asked, work, is_debug=is_debug)
        return _printed(name) or status


def end_process(status: int) -> NoReturn:
    """End the process with a status, at once where a thread is still busy in a library.

    The interpreter's own end stops it wherever it is; in C++ that is an abort (`terminate called without an active
    exception`) after all was well. Only for what begins a process: whoever calls `run_program` lives on.
    """
    if any(thread.daemon for thread in threading.enumerate()):
        logging.shutdown()
        os._exit(status)
    raise SystemExit(status)


def _ended(name: str, words: list[str], work: Callable[[list[str], bool], object], *, is_debug: bool) -> int:
    try:
        with _stray_errors_told(words), fatal_errors_kept(words) as told:
            if told is not None:
                say(name, told)
            _work(work, words, is_debug=is_debug)
    except SystemExit as done:
        return _status(name, done)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:
        if is_debug:
            raise
        outside = outside_cause(error) if isinstance(error, OSError) else None
        why = fault(error, "Mien is at fault", words) if outside is None else MienError(outside)
        say(name, str(why))
        return WRONG_USAGE if isinstance(why, UsageError) else FAILED
    return DONE


def _work(work: Callable[[list[str], bool], object], words: list[str], *, is_debug: bool) -> None:
    try:
        with termination_unwinds():
            work(words, is_debug)
    except SystemExit as done:
        # What cannot be written any more is no success.
        if not done.code:
            sys.stdout.flush()
        raise
    sys.stdout.flush()


def say(name: str, text: str) -> None:
    """Put a sentence on stderr, if there is one and it can be written to."""
    if sys.stderr is None:  # print() would take stdout
        return
    line = f"{name}: {in_one_line(text)}"
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the edge of the program
    except UnicodeError:
        with contextlib.suppress(OSError, ValueError):
            print(ascii(line)[1:-1], file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError):  # closed, or its reader has gone
        return


def _status(name: str, done: SystemExit) -> int:
    if done.code is None:
        return DONE
    if isinstance(done.code, int):
        return done.code
    say(name, str(done.code))
    return FAILED


@contextmanager
def _stray_errors_told(words: Sequence[str]) -> Generator[None]:
    """Give threads without an edge, and what fails where nobody can catch it, their sentence and their file.

    `sys.excepthook` stays: nothing but `--debug` comes that far.
    """

    def in_thread(what: threading.ExceptHookArgs, /) -> None:
        if what.exc_value is None or issubclass(what.exc_type, SystemExit):
            return
        thread = "A thread" if what.thread is None else f"The thread {what.thread.name!r}"
        _LOG.error("%s", sentence_of(what.exc_value, f"{thread} failed", words))

    def unraisable(what: "sys.UnraisableHookArgs", /) -> None:
        if what.exc_value is not None:
            _LOG.error("%s", sentence_of(what.exc_value, "Something failed while it was put away", words))

    before = threading.excepthook, sys.unraisablehook, logging.raiseExceptions
    # A log that cannot be written, to a console that is gone, is no second failure either.
    threading.excepthook, sys.unraisablehook, logging.raiseExceptions = in_thread, unraisable, False
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook, logging.raiseExceptions = before


def _printed(name: str) -> int:
    """Write out what was printed; give a status where that fails, which is told unless its reader has simply gone.

    At the interpreter's own end it would be a traceback.
    """
    status = DONE
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (MienError, OSError, ValueError) as error:
            _let_go(stream)
            if stream is sys.stdout:
                status = FAILED
                if not isinstance(error, (BrokenPipeError, MienError)):  # ours has been said already
                    say(name, f"What was to be printed could not be written ({brief(error)}).")
    return status


def _let_go(stream: IO[str]) -> None:
    """Send what is still held back to nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
