"""A network of the user's own code: `--arch package.module:Class`, and a manifest that says what it takes and gives."""

import importlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Final

from pydantic import ConfigDict
from torch import Tensor, nn

from mien_export.architectures._plain import Mapped
from mien_export.contracts import Port
from mien_models.errors import MienError
from mien_models.specs.network import NetworkSpec, SwapSpec
from mien_models.specs.toml import read_strictly
from mien_models.system.causes import cause_of

_STRICT: Final = ConfigDict(extra="forbid")


class CustomError(MienError):
    """A class that cannot be used, or a manifest that does not describe one."""


@dataclass(frozen=True, slots=True)
class PortTable:
    """One `[[inputs]]` or `[[outputs]]` of the manifest."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    shape: tuple[int, ...]
    """Without the batch."""
    low: float = 0.0
    """Smallest number of a picture: 0, or -1."""

    @property
    def port(self) -> Port:
        """The port that it describes."""
        return Port(self.name, self.shape, self.low)


@dataclass(frozen=True, slots=True)
class ClassManifest:
    """What a manifest says of a class."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    inputs: tuple[PortTable, ...]
    """In the order of `forward`'s arguments."""
    outputs: tuple[PortTable, ...]
    network: NetworkSpec
    """As in the manifest of a model, which `mien models info` shows."""
    arguments: dict[str, int | float | str | bool] = field(default_factory=dict[str, int | float | str | bool])
    """Of the class."""
    source_norm: float = 1.0
    """How long the identity vectors are that it is given."""


@dataclass(frozen=True, slots=True)
class CustomNetwork:
    """A class of the user's, described by a manifest; see `contracts.Network`."""

    module: type[nn.Module]
    manifest: ClassManifest
    style_keys: str = ""
    scale_keys: str = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        """As the manifest has them."""
        return tuple(one.port for one in self.manifest.inputs)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """As the manifest has them."""
        return tuple(one.port for one in self.manifest.outputs)

    @property
    def source_norm(self) -> float:
        """As the manifest has it."""
        return self.manifest.source_norm

    def build(self) -> nn.Module:
        """Make the module with the manifest's arguments.

        Raises:
            CustomError: the class does not take them.
        """
        try:
            return self.module(**self.manifest.arguments).eval()
        except Exception as error:
            raise CustomError(
                f"{self.module.__name__} cannot be made with {self.manifest.arguments}: {error}. Correct [arguments]."
            ) from error

    def deployed(self, core: nn.Module, identity_map: Tensor | None) -> nn.Module:
        """Put the identity's map before it, where there is one."""
        return core if identity_map is None else Mapped(core, identity_map).eval()

    def spec(self, *, has_map: bool) -> NetworkSpec:
        """As the manifest has it; a map that stands in the graph is not applied a second time."""
        spec = self.manifest.network
        if isinstance(spec, SwapSpec) and has_map:
            return replace(spec, identity=replace(spec.identity, map="none"))
        return spec


def custom_network(arch: str, manifest: Path | None) -> CustomNetwork:
    """Find the class that `package.module:Class` names, from the current folder or what is installed.

    Raises:
        CustomError: there is no such class, or no manifest.
        ModelError: the manifest is wrong; line and field are named.
    """
    if manifest is None:
        raise CustomError(f"--arch {arch} needs --manifest FILE.toml, which says what the class takes and gives.")
    try:
        text = manifest.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CustomError(f"{str(manifest)!r} should be a manifest, but cannot be read: {cause_of(error)}.") from error
    return CustomNetwork(_class_of(arch), read_strictly(text, repr(manifest.name), ClassManifest))


def _class_of(arch: str) -> type[nn.Module]:
    module_name, _, class_name = arch.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: object = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise CustomError(
            f"--arch {arch} should name a class as package.module:Class, but: {error}. The module is looked for in the "
            "current folder and among what is installed."
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise CustomError(f"--arch {arch} should name a torch.nn.Module, but that is {found!r}.")
    return found
