"""Files that the browser sends: bounded, named by us, in a folder that only the user may enter."""

import os
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien_models.errors import MienError, UsageError
from mien_models.system import folders
from mien_models.system.causes import cause_of
from mien_models.system.sentence import sentence

LARGEST_PHOTO_BYTES: Final = 48 * 2**20
LARGEST_MODEL_BYTES: Final = 4 * 2**30
_MOST_PHOTOS: Final = 60
_NAME_BYTES: Final = 9


@dataclass(frozen=True, slots=True)
class Kind:
    """What may be sent."""

    folder: str
    suffix: str
    largest_bytes: int


KINDS: Final = {
    "photo": Kind("photos", ".photo", LARGEST_PHOTO_BYTES),
    "person": Kind("people", ".photo", LARGEST_PHOTO_BYTES),
    "model": Kind("models", ".onnx", LARGEST_MODEL_BYTES),
}


class Uploads:
    """Keeps what was sent until it is not used any longer."""

    def __init__(self) -> None:
        self._base = folders.state_folder() / "panel"

    async def take(self, kind: Kind, chunks: AsyncIterator[bytes]) -> str:
        """Write what comes to a file of a new name and give that name.

        Raises:
            UsageError: it is empty or too large; nothing of it stays.
            MienError: the disk does not take it.
        """
        name = secrets.token_hex(_NAME_BYTES)
        try:
            self._folder(kind).mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder(kind) / f"{name}{kind.suffix}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    size = 0
                    async for chunk in chunks:
                        size += len(chunk)
                        if size > kind.largest_bytes:
                            raise UsageError(_too_large(kind))
                        file.write(chunk)
                if size == 0:
                    raise UsageError(sentence("The file is empty. Take another copy of it."))
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise MienError(
                sentence("The file cannot be kept: {why}. Free some space.", why=cause_of(error))
            ) from error
        return name

    def path(self, kind: Kind, name: str) -> Path:
        """Give the file of a name that `take` gave.

        Raises:
            UsageError: there is none.
        """
        if len(name) == 2 * _NAME_BYTES and all(one in "0123456789abcdef" for one in name):
            path = self._folder(kind) / f"{name}{kind.suffix}"
            if path.is_file():
                return path
        raise UsageError(sentence("That file is not here any more. Send it again."))

    def photos(self) -> tuple[Path, ...]:
        """Give every photo that was sent, the newest first."""
        folder = self._folder(KINDS["photo"])
        found = folder.glob("*.photo") if folder.is_dir() else ()
        return tuple(sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True))

    def sweep(self, kept: Collection[str]) -> None:
        """Forget what nothing names any longer: photos beyond those of `kept` paths, and models that were added."""
        for kind in KINDS.values():
            folder = self._folder(kind)
            for path in folder.iterdir() if folder.is_dir() else ():
                # What was made of a photo is named like it.
                if str(folder / f"{path.name.partition('.')[0]}{kind.suffix}") not in kept:
                    path.unlink(missing_ok=True)

    def is_full(self) -> bool:
        """Whether there are so many photos that one has to go first."""
        return len(self.photos()) >= _MOST_PHOTOS

    def is_ours(self, path: str) -> bool:
        """Whether a path is that of a photo that was sent."""
        return Path(path).parent == self._folder(KINDS["photo"])

    def _folder(self, kind: Kind) -> Path:
        return self._base / kind.folder


def _too_large(kind: Kind) -> str:
    return sentence("The file is larger than {size} MB. Take a smaller one.", size=kind.largest_bytes // 2**20)
