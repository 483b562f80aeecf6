"""What is fuzzed: one file a target, found by its name."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, cast

NAMES: Final = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py")))


class Target(Protocol):
    """One reader, or several that read the same kind of input."""

    tokens: Sequence[bytes]
    """Words of the format, which mutations put in."""

    def seeds(self) -> Sequence[bytes]:
        """Make inputs that are whole, small, and all a little different."""
        ...

    def run(self, content: bytes, folder: Path) -> None:
        """Read one input; `folder` is empty.

        Raises:
            MienError: the input was refused, which is right.
        """
        ...


def load(name: str) -> Target:
    """Import a target; what it needs of Mien is imported with it."""
    return cast("Target", cast("Any", import_module(f"targets.{name}")).TARGET)
