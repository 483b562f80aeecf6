"""Signals that ask a program to end unwind what it is at, so that no half file is left."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_ENDING: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""A polite kill, a terminal that was closed, and the latter on Windows; Ctrl-C unwinds by itself."""


@contextmanager
def termination_unwinds() -> Generator[None]:
    """Let the signals that ask for the end raise SystemExit(128 + number); only the first counts.

    One that is ignored, as `nohup` has it, stays so. Outside the main thread nothing is changed.
    """
    before: dict[int, Any] = {}

    def leave(number: int, _frame: FrameType | None) -> None:
        # A second one must not interrupt the cleaning up.
        for ending in before:
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in _endings() if threading.current_thread() is threading.main_thread() else ():
        before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _endings() -> list[int]:
    found = [int(getattr(signal, name)) for name in _ENDING if hasattr(signal, name)]
    return [number for number in found if signal.getsignal(number) is not signal.SIG_IGN]
