"""Standard input, output and error, which may be closed, full, gone or unable to hold a character."""

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from mien_models.errors import MienError
from mien_models.system.causes import advice_for, cause_of

_CLOSED: Final = ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY))
"""What stands in for a descriptor that is closed: nobody answers; writing a result fails; words go nowhere."""


class ResultError(MienError):
    """The result could not be written to standard output."""


class _Result(io.TextIOWrapper):
    """Standard output: what cannot be written there is a failure of the command."""

    def write(self, text: str, /) -> int:
        with _told():
            return super().write(text)

    def flush(self) -> None:
        with _told():
            super().flush()


class _Words(io.TextIOWrapper):
    """Standard error: a terminal that was closed or a log that is full must not end what the words are about."""

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


@contextmanager
def standard_streams() -> Generator[None]:
    """Make the standard streams of this process fit for use while a command runs.

    One that is closed is opened, so that no file of ours gets its number, into which libraries print. A character that
    the console cannot show becomes '?'. What cannot be written to stdout raises ResultError; what cannot be written to
    stderr is dropped.
    """
    _open_closed()
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _made(_Result, before[0]), _made(_Words, before[1])
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            _give_back(stream)
        sys.stdout, sys.stderr = before


def _open_closed() -> None:
    for number, way in _CLOSED:
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, way)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _made(kind: type[_Result] | type[_Words], stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    with suppress(OSError):
        stream.flush()
    return kind(
        stream.buffer,  # pyright: ignore[reportUnknownArgumentType]
        stream.encoding,
        errors="replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _give_back(stream: TextIO) -> None:
    if isinstance(stream, (_Result, _Words)):
        try:
            io.TextIOWrapper.flush(stream)
        except OSError:
            _give_up(stream)
        # Else what is below would be closed with it.
        stream.detach()


def _give_up(stream: TextIO) -> None:
    """Send what the stream still holds nowhere: Python would try it once more at the end, and complain."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ResultError(
            f"The result could not be written to standard output: {cause_of(error)}. {advice_for(error)}"
        ) from error
