"""The folder of models: one folder for each, which appears under its name whole or not at all."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Collection, Generator, Mapping
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError, UsageError
from mien_models.specs.network import UserManifest
from mien_models.specs.stored import MANIFEST, StoredModel, manifest_toml, read_stored
from mien_models.system.atomic_write import replacing
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.near_miss import near_miss

DOWNLOADS: Final = ".downloads"
_UNDER_WORK: Final = ".under-work-"
"""How the folders of models begin that are just being added or removed; a crash may leave one behind."""
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
"""Windows takes these for devices."""
_LEFT_FOR_S: Final = 86400
_SPARE_BYTES: Final = 64 * 2**20


class ModelLibrary:
    """Finds, adds and removes models by name; keeps nothing in memory."""

    def __init__(self, folder: Path, *, reserved: Collection[str] = ()) -> None:
        """Take the folder, which need not exist yet, and names that are taken by what is built in."""
        self.folder, self._reserved = folder, reserved

    def names(self) -> tuple[str, ...]:
        """Name every model, sorted, also those whose manifest is damaged."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(one.name for one in self.folder.iterdir() if one.is_dir() and is_name(one.name)))

    def find(self, name: str) -> StoredModel:
        """Give the model called `name`; its weights are not read yet.

        Raises:
            ModelError: there is none, or its manifest is wrong.
        """
        names = self.names()
        if name not in names:
            near = near_miss(name, names)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ModelError(
                f"No model is called {name!r}; 'mien models list' names those that are there, "
                f"'mien models add FILE --name {name}' adds one.{hint}"
            )
        stored = read_stored(self.folder / name)
        if stored.manifest.name != name:
            raise ModelError(
                f"The folder {str(stored.folder)!r} should hold the model {name!r}, but holds "
                f"{stored.manifest.name!r}. Give the folder that name."
            )
        return stored

    @contextlib.contextmanager
    def new(
        self, manifest: UserManifest, files: Mapping[str, bytes], *, replaces: bool = False
    ) -> Generator[StoredModel]:
        """Write a model aside, let the caller look at it, and give it its name when nothing was raised.

        Args:
            manifest: what it is.
            files: the content of each file beside the manifest.
            replaces: whether it may take the place of a model of that name.

        Yields:
            The model as it lies aside.

        Raises:
            UsageError: the name is taken or cannot be one.
            ModelError: it cannot be written.
        """
        self.check_free(manifest.name, replaces=replaces)
        with self._under_work(sum(len(content) for content in files.values())) as aside:
            for name, content in files.items():
                (aside / name).write_bytes(content)
            # newline: the same bytes everywhere.
            (aside / MANIFEST).write_text(manifest_toml(manifest), "utf-8", newline="\n")
            yield read_stored(aside)
            # Again: another program may have added one meanwhile.
            self.check_free(manifest.name, replaces=replaces)
            self._settle(aside, self.folder / manifest.name)

    def describe_anew(self, manifest: UserManifest) -> StoredModel:
        """Write the manifest of a model that is there: whole, or not at all.

        Raises:
            ModelError: there is none of that name, or it cannot be written.
        """
        stored = self.find(manifest.name)
        path = stored.folder / MANIFEST
        with _told(path), replacing(path) as aside:
            aside.write_text(manifest_toml(manifest), "utf-8", newline="\n")
        return read_stored(stored.folder)

    def remove(self, name: str) -> None:
        """Remove a model, also a damaged one.

        Raises:
            ModelError: there is none, or it cannot be removed.
        """
        if name not in self.names():
            self.find(name)
        with self._under_work(0) as aside:
            (self.folder / name).rename(aside / name)

    def check_free(self, name: str, *, replaces: bool = False) -> None:
        """Check that a model may be called `name`.

        Raises:
            UsageError: it may not, or there is one already.
        """
        if not is_name(name):
            raise UsageError(
                f"{name!r} cannot name a model: up to 64 small letters, digits, '-', '_' and '.' can, with a letter "
                "or digit at both ends. Give another with --name."
            )
        if name in self._reserved:
            raise UsageError(f"{name!r} is built in. Give another name with --name.")
        if not replaces and name in self.names():
            raise UsageError(
                f"There is a model called {name!r} already. Give another name with --name, or --replace that one."
            )

    def downloads(self) -> Path:
        """Give the folder where downloads grow; it is made.

        Raises:
            ModelError: it cannot be made.
        """
        path = self.folder / DOWNLOADS
        with _told(path):
            path.mkdir(parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def _under_work(self, size_bytes: int) -> Generator[Path]:
        """Give an empty folder that is gone afterwards, whatever happens."""
        with _told(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            if size_bytes and free < size_bytes + _SPARE_BYTES:
                raise ModelError(
                    f"{str(self.folder)!r} has {free / 2**20:.0f} MB left, where {size_bytes / 2**20:.0f} MB are "
                    "needed. Free some space."
                )
            # It is renamed away when all went well; then there is nothing to clean.
            with tempfile.TemporaryDirectory(prefix=_UNDER_WORK, dir=self.folder, ignore_cleanup_errors=True) as made:
                self._sweep(Path(made))
                inside = Path(made) / "model"
                inside.mkdir()
                yield inside

    def _sweep(self, made: Path) -> None:
        """Remove what a crash left behind, when it is too much older than `made` to be another program's work."""
        for left in self.folder.glob(f"{_UNDER_WORK}*"):
            with contextlib.suppress(OSError):
                if made.stat().st_mtime - left.stat().st_mtime > _LEFT_FOR_S:
                    shutil.rmtree(left, ignore_errors=True)

    def _settle(self, aside: Path, place: Path) -> None:
        """Rename into place; what was there is put back if that fails."""
        before = aside.parent / "before"
        if place.exists():
            place.rename(before)
        try:
            aside.rename(place)
        except OSError:
            if before.exists():
                before.rename(place)
            raise


def is_name(name: str) -> bool:
    """Say whether a model may be called so: its name is that of a folder on any system."""
    return _NAME.fullmatch(name) is not None and _RESERVED.fullmatch(name) is None


def name_like(text: str) -> str:
    """Make a name of a file's: small letters, '_' for what cannot stand in it; 'model' where nothing is left."""
    made = re.sub(r"[^a-z0-9.-]+", "_", text.lower()).strip("_.-")[:64].strip("_.-")
    return made if is_name(made) else "model"


@contextlib.contextmanager
def _told(path: Path) -> Generator[None]:
    """Turn what the file system refuses into a sentence."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"Models should be kept in {str(path)!r}, but: {cause_of(error)}. {advice_for(error)} "
            "MIEN_DATA_DIR names another folder."
        ) from error
