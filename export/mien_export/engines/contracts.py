"""What a builder of engines promises."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mien_models.errors import MienError
from mien_models.plugins import Plugins

Told = Callable[[str], None]
"""Takes what is being done, in a few words."""


class EngineError(MienError):
    """An engine that was not built; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be built."""

    model: Path
    """An ONNX file."""
    engine: Path
    """Where to; nothing is there yet."""
    targets: tuple[str, ...] = ()
    """Architectures of cards, such as 'sm86'; none leaves it to the builder."""
    largest_batch: int = 4
    """Pictures at once, where the model leaves that free; `--boost 2` takes four."""
    timing_cache: Path | None = None
    """What was measured before, so that the next build is faster; read and written where it is given."""


class EngineBuilder(Protocol):
    """One way to an engine."""

    @property
    def package(self) -> str:
        """What has to be installed, as pip calls it."""
        ...

    @property
    def needs_gpu(self) -> bool:
        """Whether it builds on the card alone that the engine is for."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Which architectures may be asked for; none where it is always the card that is here."""
        ...

    def version(self) -> str | None:
        """Give the version that is installed, or None; nothing but that is loaded."""
        ...

    def build(self, order: Order, told: Told) -> None:
        """Write the engine.

        Raises:
            EngineError: it cannot be built here, or of this model.
        """
        ...


BUILDERS: Final[Plugins[EngineBuilder]] = Plugins("mien_export.engines.builders", "engine builder")


def installed(package: str) -> str | None:
    """Give the version of a package that is installed, or None."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
