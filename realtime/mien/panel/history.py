"""What was changed last, so that it can be taken back."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from mien.panel.status import StatusView

_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One change, by what was in force before it."""

    values: Mapping[str, JsonValue]


class History:
    """The last changes. Has state: them. A slider that is drawn makes one step, not one for each place it passes."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=_KEPT)

    def note(self, before: StatusView, changed: Iterable[str]) -> None:
        """Keep what the changed settings were; a change of the same settings as the last one is part of that."""
        names = tuple(changed)
        values: dict[str, JsonValue] = {name: before.value(name) for name in names}
        last = self._steps[-1] if self._steps else None
        if names and not (last is not None and len(names) == 1 and tuple(last.values) == names):
            self._steps.append(Step(values))

    def take_back(self) -> Mapping[str, JsonValue] | None:
        """Give the settings to go back to; None where nothing was changed."""
        return self._steps.pop().values if self._steps else None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take back."""
        return not self._steps
