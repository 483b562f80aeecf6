"""What a person does while a run lasts with keys and signals: hide, show, reveal, end."""

import contextlib
import logging
import math
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from types import FrameType, TracebackType
from typing import Any, Final, Protocol, Self

PANIC_KEY: Final = "p"
REVEAL_KEY: Final = "r"
_TWICE_WITHIN_S: Final = 2.0
_LOG = logging.getLogger(__name__)


class PrivacySwitch(Protocol):
    """What hides the picture, shows it again, and shows the camera's own for a moment."""

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds; False where that may not be now."""
        ...

    def set_privacy(self, *, on: bool) -> None:
        """Hide at once, or show again from the next swapped frame on."""
        ...


class Controls:
    """What a person may do while a run lasts, from any thread. Has state: the panic key and the wish to stop.

    Make it first, give it to a window or panel, then to the plan.
    """

    def __init__(self, on_privacy: Callable[[bool], None] | None = None) -> None:
        """Take who else hears that the panic key is pressed or let go."""
        self._lock = threading.Lock()
        self._on_privacy = on_privacy
        self._switch: PrivacySwitch | None = None
        self._is_private = False
        self._is_stopping = False
        self._reveal_pressed_s = -math.inf

    @property
    def is_private(self) -> bool:
        """Whether the panic key is down."""
        return self._is_private

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked the run to end."""
        return self._is_stopping

    def set_privacy(self, *, on: bool) -> None:
        """Hide at once (the card is on its way to the sinks when this returns), or allow the picture again."""
        with self._lock:
            self._hide(on=on)

    def toggle_privacy(self) -> None:
        """Press the panic key; of two presses at once from two threads, each counts."""
        with self._lock:
            self._hide(on=not self._is_private)

    def on_key(self, name: str) -> None:
        """Take a key of a window: PANIC_KEY hides and shows; REVEAL_KEY, twice, shows the camera as it is."""
        if name == PANIC_KEY:
            self.toggle_privacy()
        elif name == REVEAL_KEY:
            if self._is_second_press():
                self.reveal()
            else:
                _LOG.info("Press %s once more to show the camera as it is, with your face, for 3 s.", REVEAL_KEY)

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds, so that others can ask for it; False where it may not be now."""
        with self._lock:
            is_shown = self._switch is not None and self._switch.reveal()
        if not is_shown:
            _LOG.warning(
                "The camera is not shown as it is: the panic key is down, there is a fault, or it is shown already."
            )
        return is_shown

    def obey(self, panics: int, reveals: int) -> None:
        """Do what signals asked for since the last time."""
        for _ in range(panics):
            self.toggle_privacy()
        if reveals:
            self.reveal()

    def stop(self) -> None:
        """End the run cleanly, as Ctrl-C does."""
        self._is_stopping = True

    def attach(self, switch: PrivacySwitch) -> None:
        """Connect the run; a key that was pressed before counts."""
        with self._lock:
            self._switch = switch
            switch.set_privacy(on=self._is_private)

    def _hide(self, *, on: bool) -> None:
        self._is_private = on
        if self._on_privacy is not None:
            self._on_privacy(on)
        if self._switch is not None:
            self._switch.set_privacy(on=on)

    def _is_second_press(self) -> bool:
        with self._lock:
            now_s = time.monotonic()
            is_second = now_s - self._reveal_pressed_s < _TWICE_WITHIN_S
            self._reveal_pressed_s = -math.inf if is_second else now_s
            return is_second


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


class Signals:
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
