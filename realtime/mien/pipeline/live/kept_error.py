"""Errors that are kept until a run has ended."""

import logging
from typing import Final, TypeVar

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
