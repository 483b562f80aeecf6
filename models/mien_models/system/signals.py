"""Signals that ask a program to end unwind what it is at, so that no half file is left."""

import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_ENDING: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""A polite kill, a terminal that was closed, and the latter on Windows; Ctrl-C unwinds by itself."""
_AGAIN_S: Final = 0.05
"""Until whatever could not be interrupted is surely over; else the same happens again."""


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
        raise _Leave(number)

    def again(number: int) -> None:
        for ending in before:
            signal.signal(ending, leave)
        threading.Timer(_AGAIN_S, _send, (number,)).start()

    for number in _endings() if threading.current_thread() is threading.main_thread() else ():
        before[number] = signal.signal(number, leave)
    try:
        with _nothing_swallows(again):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


class _Leave(SystemExit):
    """The program is to end, because of a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def _nothing_swallows(again: Callable[[int], None]) -> Generator[None]:
    """Say so where an end was raised in vain.

    A handler runs wherever the main thread happens to be: in a finaliser, or in what a library in C calls back, nothing
    can be raised, and Python goes on as if the signal had never come.
    """
    hook = sys.unraisablehook

    def heard(unraisable: "UnraisableHookArgs", /) -> None:
        if isinstance(unraisable.exc_value, _Leave):
            again(unraisable.exc_value.number)
        else:
            hook(unraisable)

    sys.unraisablehook = heard
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _send(number: int) -> None:
    """Send the main thread a signal, from another one."""
    main = threading.main_thread().ident
    if sys.platform != "win32" and main is not None:
        signal.pthread_kill(main, number)  # it may sleep in a call of the system, which ends then
    else:
        signal.raise_signal(number)


def _endings() -> list[int]:
    found = [int(getattr(signal, name)) for name in _ENDING if hasattr(signal, name)]
    return [number for number in found if signal.getsignal(number) is not signal.SIG_IGN]
