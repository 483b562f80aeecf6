"""When the label is shown."""

from typing import Final

from mien.config.choices import LabelMode

_ART_SHOWN_NS: Final = 5_000_000_000


_ART_EVERY_NS: Final = 180_000_000_000


_BREAK_NS: Final = 10_000_000_000


class LabelSchedule:
    """Says for each swapped picture whether the label is on it. Has state: when it was shown last."""

    def __init__(self, mode: LabelMode) -> None:
        """Begin a session."""
        self.mode = mode
        self._began_ns: int | None = None
        self._last_ns = 0

    def shows(self, at_ns: int) -> bool:
        """Say whether the picture of `at_ns` is labelled; times must not go back."""
        if self.mode is not LabelMode.ART:
            return self.mode is LabelMode.ON
        is_new = self._began_ns is None or at_ns - self._last_ns > _BREAK_NS or at_ns < self._last_ns
        if self._began_ns is None or is_new or at_ns - self._began_ns >= _ART_EVERY_NS:
            self._began_ns = at_ns
        self._last_ns = at_ns
        return at_ns - self._began_ns < _ART_SHOWN_NS
