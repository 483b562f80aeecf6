"""Plug-ins are files: the file's name is the plug-in's name, and its `PLUGIN` is the plug-in."""

import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from mien_models.errors import UnknownPluginError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugins(Generic[T]):
    """The plug-ins of one package, each a module that defines `PLUGIN: Final[T]`.

    The annotation on `PLUGIN` is what the type checkers verify; the contract tests verify its behaviour.
    """

    package: str
    """Dotted name of the package whose modules are the plug-ins."""
    noun: str
    """What one of them is called in messages, for instance 'sink'."""

    def names(self) -> tuple[str, ...]:
        """Name every plug-in, sorted, without importing any."""
        path = importlib.import_module(self.package).__path__
        return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))

    def check(self, name: str) -> None:
        """Check that there is a plug-in called `name`, without importing it.

        Raises:
            UnknownPluginError: no file has that name; the message lists the choices and the near miss.
        """
        if name not in self.names():
            near = difflib.get_close_matches(name, self.names(), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownPluginError(
                f"No {self.noun} is called {name!r}. Choose one of: {', '.join(self.names())}.{hint}"
            )

    def load(self, name: str) -> T:
        """Import the plug-in called `name`.

        Raises:
            UnknownPluginError: as `check`.
        """
        self.check(name)
        return cast("T", importlib.import_module(f"{self.package}.{name}").PLUGIN)
