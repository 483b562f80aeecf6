"""Settings that are kept by name, and those that were used last: with each camera, and at all."""

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from mien.config.choices import is_off_once
from mien.config.settings import Settings
from mien.config.settings_file import as_toml
from mien.panel.status import StatusView
from mien.sinks.registry import HIDDEN
from mien_models.errors import MienError, UsageError
from mien_models.system import folders
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import cause_of
from mien_models.system.sentence import sentence

_LONGEST_NAME: Final = 60
_MOST: Final = 100
NOT_KEPT: Final = frozenset({"seconds", "report", "consent", "credentials_certificate", "credentials_key"})
"""What is of one run only. Consent is on record with each photo, and is asked for anew where it is not."""
_OF_A_CAMERA: Final = frozenset({"swap", "look"})
"""The groups of settings that suit one camera and its light."""
_WRITES: Final = ("file:", "images:")
"""Outputs that would write over what they wrote last time."""
_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name."""

    name: str
    camera: str
    settings: Mapping[str, JsonValue]

    @property
    def key(self) -> str:
        """A name that can stand in an address and be a file's."""
        return _key(self.name)


class Presets:
    """Keeps presets as files that only the user can read."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folders.data_folder() / "panel" if folder is None else folder

    def all(self) -> tuple[Preset, ...]:
        """Give every preset, by name; one that cannot be read is left out and stays."""
        found = [_read(path) for path in sorted(self._folder.glob("presets/*.json"))]
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name.casefold()))

    def find(self, key: str) -> Preset:
        """Give a preset.

        Raises:
            UsageError: there is none.
        """
        found = next((one for one in self.all() if one.key == key), None)
        if found is None:
            raise UsageError(sentence("That preset is not there any more."))
        return found

    def save(self, name: str, camera: str, settings: Mapping[str, JsonValue]) -> Preset:
        """Keep settings under a name; those of that name are replaced.

        Raises:
            UsageError: it cannot be a name.
            MienError: the disk does not take it.
        """
        plain = name.strip()
        if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
            raise UsageError(sentence("A preset's name has 1 to {most} letters.", most=_LONGEST_NAME))
        if len(self.all()) >= _MOST:
            raise UsageError(sentence("There are {most} presets already; remove one first.", most=_MOST))
        preset = Preset(plain, camera, kept_of(settings))
        self._write(self._folder / "presets" / f"{preset.key}.json", preset)
        return preset

    def remove(self, key: str) -> None:
        """Forget a preset."""
        (self._folder / "presets" / f"{self.find(key).key}.json").unlink(missing_ok=True)

    def remember(self, camera: str, settings: Mapping[str, JsonValue]) -> None:
        """Keep what is in force now as what was used last, and used last with this camera."""
        preset = Preset("last", camera, kept_of(settings))
        self._write(self._folder / "last.json", preset)
        self._write(self._folder / "cameras" / f"{_key(camera)}.json", preset)

    def last(self) -> Preset | None:
        """Give what was used last; None at the first start."""
        return _read(self._folder / "last.json")

    def of_camera(self, camera: str) -> dict[str, JsonValue]:
        """Give the settings that were used last with a camera, as far as they are about its picture."""
        kept = _read(self._folder / "cameras" / f"{_key(camera)}.json")
        return {} if kept is None else {name: value for name, value in kept.settings.items() if _suits_camera(name)}

    def paths_used(self) -> frozenset[str]:
        """Give every photo that a preset or the last settings name."""
        kept = [*self.all(), *([last] if (last := self.last()) is not None else [])]
        found: set[str] = set()
        for one in kept:
            faces = one.settings.get("face")
            found |= {str(face) for face in faces} if isinstance(faces, list) else set()
            found |= set(re.split("[,=]", str(one.settings.get("assign"))))
        return frozenset(found)

    def _write(self, path: Path, preset: Preset) -> None:
        text = json.dumps({"name": preset.name, "camera": preset.camera, "settings": dict(preset.settings)}, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, text.encode())
        except OSError as error:
            raise MienError(f"The preset cannot be kept: {cause_of(error)}. Free some space.") from error


def kept_of(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave out what is of one run only."""
    kept = {name: value for name, value in settings.items() if name in Settings.model_fields and name not in NOT_KEPT}
    sinks = kept.get("sinks")
    if isinstance(sinks, list):
        # Nor an output whose key is not shown to anybody: without it, it is none.
        kept["sinks"] = [one for one in sinks if not str(one).startswith(_WRITES) and HIDDEN not in str(one)]
    # Off is for one run, which no file keeps.
    return {name: value for name, value in kept.items() if not is_off_once(name, value)}


def patch_of(preset: Preset) -> dict[str, JsonValue]:
    """Give what is asked of a running session to be as a preset says: what can change while it runs."""
    from mien.config.patch import is_live

    return {name: value for name, value in preset.settings.items() if is_live(name)}


def toml_of(settings: Mapping[str, JsonValue]) -> str:
    """Write settings as the `mien.toml` that `mien run` reads.

    Raises:
        MienError: they are not possible any more.
    """
    try:
        return as_toml(Settings.model_validate(kept_of(settings)))
    except ValidationError as error:
        raise MienError(f"These settings do not fit this version of Mien: {error.errors()[0]['msg']}.") from error


def _read(path: Path) -> Preset | None:
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Preset(str(kept["name"]), str(kept["camera"]), kept_of(dict(kept["settings"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _key(name: str) -> str:
    return hashlib.sha256(name.casefold().encode()).hexdigest()[:16]


def _suits_camera(name: str) -> bool:
    extra = Settings.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and extra.get("group") in _OF_A_CAMERA  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True, slots=True)
class Step:
    """One change, by what was in force before it."""

    values: Mapping[str, JsonValue]


class History:
    """The last changes. Has state: them. A slider that is drawn makes one step, not one for each place it passes."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=_KEPT)

    def note(self, before: StatusView, changed: Iterable[str]) -> None:
        """Keep what the changed settings were; a change of the same settings as the last one is part of that."""
        names = tuple(changed)
        values: dict[str, JsonValue] = {name: before.value(name) for name in names}
        last = self._steps[-1] if self._steps else None
        if names and not (last is not None and len(names) == 1 and tuple(last.values) == names):
            self._steps.append(Step(values))

    def take_back(self) -> Mapping[str, JsonValue] | None:
        """Give the settings to go back to; None where nothing was changed."""
        return self._steps.pop().values if self._steps else None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take back."""
        return not self._steps
