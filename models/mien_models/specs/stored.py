"""A network in the user's folder of models: a folder with a manifest, the weights and what goes with them."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import tomli_w
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.specs.network import UserManifest
from mien_models.specs.toml import read_strictly
from mien_models.system.causes import cause_of
from mien_models.system.npy import numbers_of
from mien_models.types import as_f32

MANIFEST: Final = "manifest.toml"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One set of weights that was added."""

    folder: Path
    manifest: UserManifest

    @property
    def weights_path(self) -> Path:
        """Where its weights lie."""
        return self.folder / self.manifest.file

    def weights(self) -> bytes:
        """Read its weights.

        Raises:
            ModelError: they cannot be read, or are not those that were added.
        """
        content = self._read(self.manifest.file)
        found = hashlib.sha256(content).hexdigest()
        if found != self.manifest.sha256:
            raise ModelError(
                f"The weights of {self.manifest.name!r} are not those that were added: sha256 should be "
                f"{self.manifest.sha256}, is {found}. Remove the model and add it again."
            )
        return content

    def side_map(self) -> NDArray[np.float32]:
        """Read the identity map that stands beside the weights, (512, 512).

        Raises:
            ModelError: there is none, or it is no square of numbers.
        """
        if self.manifest.side_file is None:
            raise ModelError(
                f"{self.manifest.name!r} needs its identity map, a .npy file of 512 x 512. Add it again with --map."
            )
        try:
            numbers = numbers_of(self._read(self.manifest.side_file))
        except ValueError as error:
            raise ModelError(f"The identity map of {self.manifest.name!r} is no .npy file of numbers.") from error
        if numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1] or not np.isfinite(numbers).all():
            raise ModelError(
                f"The identity map of {self.manifest.name!r} should be a square of numbers, is {numbers.shape}."
            )
        return as_f32(numbers)

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            if path.resolve().parent != self.folder.resolve():
                raise ModelError(
                    f"{self.manifest.name!r} names a file outside its folder, {name!r}; remove that model."
                )
            return path.read_bytes()
        except OSError as error:
            raise ModelError(f"{str(path)!r} cannot be read ({cause_of(error)}). Add the model again.") from error


class Models(Protocol):
    """Where networks are looked up by name."""

    def find(self, name: str) -> StoredModel:
        """Give the model of that name.

        Raises:
            ModelError: there is none; the message says how to add it.
        """
        ...


def manifest_toml(manifest: UserManifest) -> str:
    """Write a manifest as the text that `read_stored` reads."""
    return tomli_w.dumps(_without_nothing(dataclasses.asdict(manifest)))


def _without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    """TOML has no word for nothing: what is None is left out."""
    return {
        name: _without_nothing(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }


def read_stored(folder: Path) -> StoredModel:
    """Read a model's manifest; its weights are left alone.

    Raises:
        ModelError: there is no manifest, or it is wrong.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{str(path)!r} should describe a model, but cannot be read. Add the model again.") from error
    return StoredModel(folder, read_strictly(text, str(path), UserManifest))
