"""The photos that were sent, with what was understood of each; that is looked at once and kept beside the photo."""

import asyncio
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from mien.panel.aside import answer_of
from mien.panel.uploads import KINDS, Uploads
from mien_models.errors import MienError
from mien_models.system.atomic_write import write_private
from mien_models.system.crash.child import SENTENCES, told
from mien_models.system.sentence import revived

_LONGEST_S: Final = 180.0
_LEFT_BESIDE: Final = (".sheet.jpg", ".thumb.jpg", ".json")


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of one photo."""

    name: str
    path: str
    fault: str | None
    """Why it cannot be used, in a sentence; None: it can."""
    faces: int = 0
    """How many faces it shows; the largest is taken."""
    width_px: int = 0
    """Width of that face in the photo."""
    remarks: tuple[str, ...] = ()
    """What is not so good about it, and what helps; empty for a good photo."""


_KEPT: Final = TypeAdapter(Understood)


class Photos:
    """Looks at photos, one at a time. Has state: the lock."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._one_at_a_time = asyncio.Lock()

    async def understood(self, name: str) -> Understood:
        """Give what is understood of a photo that was sent.

        Raises:
            UsageError: there is none of that name.
        """
        path = self._uploads.path(KINDS["photo"], name)
        known = self.known(path)
        if known is not None:
            return known
        async with self._one_at_a_time:
            found = await self._look(name, path)
        if found.fault is None:  # what failed may have failed for want of time
            write_private(path.with_suffix(".json"), told(asdict(found)).encode())
        return found

    def known(self, path: Path) -> Understood | None:
        """Give what is known of a photo already."""
        try:
            kept: dict[str, Any] = json.loads(path.with_suffix(".json").read_bytes())
            sentences = kept.pop(SENTENCES, {})
            found = _KEPT.validate_python(kept)
            return replace(found, remarks=tuple(revived(list(found.remarks), sentences)))
        except (OSError, ValueError, AttributeError):
            return None

    def usable(self) -> tuple[Understood, ...]:
        """Give the photos that show a face, the newest first."""
        known = [self.known(path) for path in self._uploads.photos()]
        return tuple(one for one in known if one is not None and one.fault is None)

    def forget(self, name: str) -> None:
        """Delete a photo and all that was made of it."""
        path = self._uploads.path(KINDS["photo"], name)
        for suffix in _LEFT_BESIDE:
            path.with_suffix(suffix).unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def picture(self, name: str, what: str) -> Path:
        """Give the file of a picture that was made: 'thumb' or 'sheet'.

        Raises:
            UsageError: there is none.
        """
        return self._uploads.path(KINDS["photo"], name).with_suffix(f".{what}.jpg")

    async def _look(self, name: str, path: Path) -> Understood:
        sheet, thumb = (path.with_suffix(f".{what}.jpg") for what in ("sheet", "thumb"))
        words = (str(path), str(sheet), str(thumb))
        try:
            found = await answer_of("mien.panel.understanding", *words, seconds=_LONGEST_S)
        except MienError as error:
            return Understood(name, str(path), str(error))
        return Understood(
            name, str(path), None, int(found["faces"]), int(found["width_px"]), tuple(map(str, found["remarks"]))
        )
