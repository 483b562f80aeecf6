"""What a person does while a run lasts with keys and signals: hide, show, reveal, end."""

import logging
import math
import threading
import time
from typing import Final, Protocol

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

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
        if self._switch is not None:
            self._switch.set_privacy(on=on)

    def _is_second_press(self) -> bool:
        with self._lock:
            now_s = time.monotonic()
            is_second = now_s - self._reveal_pressed_s < _TWICE_WITHIN_S
            self._reveal_pressed_s = -math.inf if is_second else now_s
            return is_second
