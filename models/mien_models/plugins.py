"""Plug-ins are files: the file's name is the plug-in's name, and its `PLUGIN` is the plug-in.

A file may hold several that differ in little: its `PLUGINS` has them by name. A user's own files stand in a folder of
theirs, `plugins/KIND` of Mien's data folder (`plugins/sinks/ndi.py`), and are found like those that come with Mien.
"""

import ast
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Generic, Protocol, TypeVar, cast, runtime_checkable

from mien_models.errors import BrokenPluginError, UnknownPluginError, UsageError
from mien_models.system.folders import data_folder
from mien_models.system.near_miss import near_miss
from mien_models.system.parsing import PARSER

T = TypeVar("T")
_ONE: Final = "PLUGIN"
_SEVERAL: Final = "PLUGINS"


@dataclass(frozen=True, slots=True)
class Usual:
    """What makes a plug-in the one that is used where the user named none: the first that gives an address."""

    rank: int
    """The lowest is asked first."""
    address: Callable[[], str | None]
    """What it would be used with: its own name, or a device; None where it is of no use on this machine."""
    remark: Callable[[], str] = str
    """What the user should know when it is taken; '' for nothing."""
    advice: Callable[[], str] = str
    """What to do where it is of no use on this machine; '' where nobody knows."""


def usual(asked: Iterable[tuple[str, Usual | None]], say: Callable[[str], object]) -> str:
    """Give the address of the first that has one.

    Args:
        asked: plug-ins by name.
        say: hears what the user should know of it.

    Raises:
        UsageError: none of them is of use on this machine.
    """
    for one in sorted((one for _, one in asked if one is not None), key=lambda one: one.rank):
        address = one.address()
        if address is not None:
            remark = one.remark()
            if remark:
                say(remark)
            return address
    raise UsageError("None of the plug-ins can be used on this machine without being asked for by name.")


@dataclass(frozen=True, slots=True)
class Described:
    """What a plug-in's file says for lists and help, read without running it."""

    name: str
    help: str = ""
    """What it is, in a few words."""
    target: str = ""
    """What follows its name and a colon: 'PATH', '[DEVICE]' where it may be left out; '' where nothing may."""
    address: str = ""
    """What is written instead of its name, where it is known by that: 'URL'."""

    @property
    def usage(self) -> str:
        """How it is asked for: 'file:PATH', 'virtualcam[:DEVICE]', 'null' or 'URL'."""
        if self.address:
            return self.address
        if self.target.startswith("["):
            return f"{self.name}[:{self.target[1:]}"
        return f"{self.name}:{self.target}" if self.target else self.name


@runtime_checkable
class Targeted(Protocol):
    """A plug-in that says whether something follows its name: `Described.target` says how."""

    @property
    def target(self) -> str:
        """As `Described` has it."""
        ...


@dataclass(frozen=True, slots=True)
class Plugins(Generic[T]):
    """The plug-ins of one kind, each a module that defines `PLUGIN: Final[T]` or `PLUGINS: Final[Mapping[str, T]]`.

    The annotation is what the type checkers verify; the contract tests verify its behaviour.
    """

    package: str
    """Dotted name of the package whose modules are the plug-ins."""
    noun: str
    """What one of them is called in messages, for instance 'sink'."""
    kind: type[T] | None = None
    """What each of them is; None where that is a Protocol, which is verified by its use."""

    @property
    def own_folder(self) -> Path:
        """Where a user's own are looked for; it need not exist."""
        return data_folder() / "plugins" / self.package.removesuffix(".backends").rpartition(".")[2]

    def names(self) -> tuple[str, ...]:
        """Name every plug-in, sorted, without importing any."""
        return tuple(sorted(self._modules()))

    def described(self) -> tuple[Described, ...]:
        """Say what each is, sorted by name, without importing any."""
        files = {file for _, file in self._modules().values()}
        return tuple(sorted((one for file in files for one in _described(file)), key=lambda one: one.name))

    def check(self, name: str) -> None:
        """Check that there is a plug-in called `name`, without importing it.

        Raises:
            UnknownPluginError: no file has that name; the message lists the choices and the near miss.
        """
        names = self.names()
        if name not in names:
            near = near_miss(name, names)
            hint = f" Did you mean {near!r}?" if near else ""
            raise UnknownPluginError(f"No {self.noun} is called {name!r}. Choose one of: {', '.join(names)}.{hint}")

    def parse(self, asked: str) -> tuple[str, str]:
        r"""Take 'name:target' apart; the target is '' where none is given.

        Only the first colon counts, so `file:C:\x.mp4` and `virtualcam:/dev/video11` need no quoting.

        Raises:
            UnknownPluginError, BrokenPluginError: as `load`.
            UsageError: it needs a target and got none, or takes none.
        """
        name, _, target = asked.partition(":")
        plugin = self.load(name)
        one = Described(name, target=plugin.target if isinstance(plugin, Targeted) else "")
        if target and not one.target:
            raise UsageError(f"The {self.noun} {name!r} takes nothing after its name, got {target!r}: write {name!r}.")
        if one.target and not target and one.usage == f"{name}:{one.target}":
            raise UsageError(f"The {self.noun} {name!r} needs {one.target}, got nothing: write {one.usage!r}.")
        return name, target

    def load(self, name: str) -> T:
        """Import the plug-in called `name`.

        Raises:
            UnknownPluginError: as `check`.
            BrokenPluginError: a file of the user's own cannot be used.
        """
        self.check(name)
        module, file = self._modules()[name]
        if file.is_relative_to(self.own_folder):
            return self._own(name, module, file)
        plugin: T = _plugin_of(importlib.import_module(module), name)
        return plugin

    def each(self) -> Iterator[tuple[str, T]]:
        """Import one after another, with its name; the user's own before those that come with Mien.

        Raises:
            BrokenPluginError: as `load`.
        """
        own, modules = self.own_folder, self._modules()
        for name in sorted(modules, key=lambda name: (not modules[name][1].is_relative_to(own), name)):
            yield name, self.load(name)

    def _modules(self) -> dict[str, tuple[str, Path]]:
        """Say in which module and file each plug-in stands; what comes with Mien keeps its name."""
        found: dict[str, tuple[str, Path]] = {}
        for one in pkgutil.iter_modules(self._path()):
            if one.name.startswith("_"):
                continue
            folder = Path(cast("Any", one.module_finder).path)
            file = folder / one.name / "__init__.py" if one.ispkg else folder / f"{one.name}.py"
            for name in _names_in(file, one.name):
                found.setdefault(name, (f"{self.package}.{one.name}", file))
        return found

    def _path(self) -> list[str]:
        """Give the folders of the package, the user's own last; what is imported from it is found there too."""
        package = importlib.import_module(self.package)
        folders = [str(Path(str(package.__file__)).parent), str(self.own_folder)]
        package.__path__ = folders
        return folders

    def _own(self, name: str, module: str, file: Path) -> T:
        """Load a file of somebody who could not be asked before: whatever it raises, it is theirs to mend."""
        try:
            plugin: T = _plugin_of(importlib.import_module(module), name)
        except Exception as error:
            raise BrokenPluginError(self.noun, name, file, f"{type(error).__name__}: {error}") from error
        if self.kind is not None and not isinstance(plugin, self.kind):
            why = f"{_ONE} should be a {self.kind.__name__}, is a {type(plugin).__name__}"
            raise BrokenPluginError(self.noun, name, file, why)
        return plugin


def _plugin_of(module: ModuleType, name: str) -> Any:  # noqa: ANN401 - what the package's kind says
    if hasattr(module, _SEVERAL):
        return getattr(module, _SEVERAL)[name]
    return getattr(module, _ONE)


def _names_in(file: Path, stem: str) -> tuple[str, ...]:
    """Name what stands in a file: its own name, or those of its table."""
    return _names_written(file, stem, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=512)
def _names_written(file: Path, stem: str, _changed_ns: int) -> tuple[str, ...]:
    """Read them once for each time that the file was written: a session asks for its sinks' kinds at each status."""
    text = file.read_text("utf-8", errors="replace")
    return tuple(one.name for one in _described(file)) if f"\n{_SEVERAL}" in text else (stem,)


def _described(file: Path) -> tuple[Described, ...]:
    """Read what a file says of its plug-ins as plain values; one that is no Python says nothing."""
    stem = file.parent.name if file.stem == "__init__" else file.stem
    try:
        source = file.read_text("utf-8", errors="replace")
        with PARSER:
            body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return (Described(stem),)
    return tuple(one for node in body for one in _assigned(node, stem)) or (Described(stem),)


def _assigned(node: ast.stmt, stem: str) -> Iterator[Described]:
    """Give what an assignment to `PLUGIN` or `PLUGINS` says."""
    if not isinstance(node, ast.AnnAssign | ast.Assign) or node.value is None:
        return
    to = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name = to.id if isinstance(to, ast.Name) else ""
    if name == _ONE:
        yield Described(stem, **_plain(node.value))
    if name == _SEVERAL and isinstance(node.value, ast.Dict):
        for key, one in zip(node.value.keys, node.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield Described(key.value, **_plain(one))


def _plain(value: ast.expr) -> dict[str, str]:
    """Give the texts that stand as `help=`, `target=` and `address=` where a plug-in is made."""
    found: dict[str, str] = {}
    for word in value.keywords if isinstance(value, ast.Call) else []:
        text = word.value.value if isinstance(word.value, ast.Constant) else None
        if word.arg in {"help", "target", "address"} and isinstance(text, str):
            found[word.arg] = text
    return found
