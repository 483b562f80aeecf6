"""How a step gets its order and says what it found."""

import json
import sys
from pathlib import Path
from typing import Any


class Told:
    """A step's order, and the file into which it writes line by line: what is written counts, whatever comes then."""

    def __init__(self, order: dict[str, Any]) -> None:
        """Take what `gpu_check.running` passes."""
        self.order = order
        self.work = Path(order["work"])
        self._into = Path(order["into"])

    def found(self, **what: Any) -> None:  # noqa: ANN401 - anything that JSON takes
        """Write one finding."""
        with self._into.open("a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")


def told() -> Told:
    """Read the order from the command line."""
    return Told(json.loads(sys.argv[1]))
