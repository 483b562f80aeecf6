"""The edge of a thread: what is ours comes out as it is, everything else as one sentence with a crash file."""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from mien_models.errors import FaultError, MienError
from mien_models.system.crash.record import sentence_of


@contextmanager
def edge(doing: str, fail: Callable[[MienError], object]) -> Generator[None]:
    """Let nothing out of what is run inside but the end of the program.

    Args:
        doing: how the sentence about a fault of Mien's begins, such as 'The source failed'.
        fail: gets the error: one of ours, or a `FaultError` whose message is that sentence. What it raises comes out.
    """
    try:
        yield
    except BaseException as error:  # the edge; some libraries' panics are no Exception
        if ends_the_program(error):
            raise
        fail(fault(error, doing))


def ends_the_program(error: BaseException) -> bool:
    """Tell Ctrl-C and a wanted exit from the rest; in another thread than the main one both would end it unheard."""
    is_main = threading.current_thread() is threading.main_thread()
    return isinstance(error, GeneratorExit) or (is_main and isinstance(error, KeyboardInterrupt | SystemExit))


def fault(error: BaseException, doing: str, words: Sequence[str] | None = None) -> MienError:
    """Turn an error into one of ours; those that are ours stay as they are. See `sentence_of`."""
    return error if isinstance(error, MienError) else FaultError(sentence_of(error, doing, words))


_LOG: Final = logging.getLogger(__name__)
E = TypeVar("E", bound=BaseException)


def kept(error: E) -> E:
    """Make an error fit to be kept: without the tracebacks of it and of what led to it.

    A traceback holds the variables of every function that it names, and among those are pictures. Where it was is
    logged for engineers instead.
    """
    _LOG.debug("Kept until the run has ended.", exc_info=error)
    left: list[BaseException] = [error]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = None
        left += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            left += one.exceptions
    return error
