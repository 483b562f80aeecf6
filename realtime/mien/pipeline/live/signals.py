"""Signals become values that a loop picks up: nothing happens inside a handler, where any lock may be held."""

import contextlib
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator
from types import FrameType, TracebackType
from typing import Any, Final, Self

_SWITCH_INTERVAL_S: Final = 0.0005
"""With Python's 5 ms a busy thread delays every hand-over of a frame by up to 5 ms, with this by 0.1 ms (measured)."""


@contextlib.contextmanager
def quick_hand_over() -> Generator[None, None, None]:
    """Let threads take turns more often inside the block; all threads of the process are meant."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


_STOP_NAMES: Final = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")


_PANIC_NAME: Final = "SIGUSR1"


_REVEAL_NAME: Final = "SIGUSR2"


class Interruption:
    """Catches signals while it is entered. Has state: what came in and is not yet picked up.

    The first Ctrl-C asks for an end, the second raises KeyboardInterrupt. Outside the main thread it catches nothing.
    """

    def __init__(self) -> None:
        self._panics: deque[int] = deque(maxlen=64)
        self._reveals: deque[int] = deque(maxlen=64)
        self._before: dict[int, Any] = {}
        self._stops = 0

    def __enter__(self) -> Self:
        """Take over the signals of this system."""
        if threading.current_thread() is threading.main_thread():
            for name in (*_STOP_NAMES, _PANIC_NAME, _REVEAL_NAME):
                number = getattr(signal, name, None)
                if number is not None and not _outlives_terminal(number):
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            with contextlib.suppress(TypeError):  # a handler that was not set from Python cannot be put back
                signal.signal(number, handler)

    @property
    def wants_stop(self) -> bool:
        """Whether a signal asked for the end."""
        return self._stops > 0

    def take_panics(self) -> int:
        """How many times the panic signal came since this was asked last."""
        return _taken(self._panics)

    def take_reveals(self) -> int:
        """How many times the signal to show the camera as it is came since this was asked last."""
        return _taken(self._reveals)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        for name, came in ((_PANIC_NAME, self._panics), (_REVEAL_NAME, self._reveals)):
            if number == getattr(signal, name, None):
                came.append(number)
                return
        self._stops += 1
        if self._stops > 1 and number == signal.SIGINT:
            raise KeyboardInterrupt


def _outlives_terminal(number: int) -> bool:
    """Whether it is the signal of a closed terminal, and the run was started by `nohup`."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


def _taken(came: deque[int]) -> int:
    count = 0
    while came:
        came.popleft()
        count += 1
    return count
