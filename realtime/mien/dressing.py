"""What is worn: swappers made for the lent faces, and changed while a run goes on."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from mien import folders
from mien.portrait import lent_face
from mien.settings import Settings, revised
from mien.settings_watch import SettingsWatch
from mien.stages.swap import SwapStage
from mien.user_models import SWAPPERS, library
from mien.wardrobe import open_wardrobe
from mien_models.contracts import Swapper
from mien_models.errors import UnknownPluginError
from mien_models.faces import SourceFace
from mien_models.networks import Networks
from mien_models.options import SwapOptions

CHANGEABLE: Final = ("face", "consent", "swapper", "shape", "strength", "boost", "morph")
"""The settings that a run can take on while it lasts."""


LEFT_FREE: Final = 2
"""Cores that a swapper's network leaves to decoding, following, blending and the sinks."""


def user_networks(settings: Settings) -> Networks:
    """Give what loads the user's networks where they run best."""
    cores = psutil.cpu_count(logical=False) or 1
    return Networks(
        library(),
        preferred=settings.provider,
        threads=settings.swapper_threads or max(1, cores - LEFT_FREE),
        caches=folders.data_folder() / "engines",
    )


def check_swapper(name: str) -> None:
    """Refuse a swapper that is neither built in nor one of the user's models.

    Raises:
        UnknownPluginError: the choices are listed.
    """
    if name in SWAPPERS.names() or name in library().names():
        return
    try:
        SWAPPERS.check(name)
    except UnknownPluginError as error:
        raise UnknownPluginError(
            f"{error} Of your own models there are: {', '.join(library().names()) or 'none'}; "
            "'mien models add FILE' adds one."
        ) from error


def make_swapper(settings: Settings, source: SourceFace, networks: Networks) -> Swapper:
    """Prepare one lent face for the swapper that was asked for.

    Raises:
        ModelError: its network, or one that it needs, is missing or does not run.
        PhotoError: the face cannot be used.
    """
    options = SwapOptions(settings.shape, settings.strength, settings.boost, settings.morph)
    if settings.swapper in SWAPPERS.names():
        return SWAPPERS.load(settings.swapper)(source, options)
    return networks.swapper(settings.swapper, source, options)


class Dresser:
    """Changes what a run wears: what takes time is done beside the run, which goes on with it from the next frame.

    Has state: what is worn, and what is wanted.
    """

    def __init__(
        self, settings: Settings, stage: SwapStage, networks: Networks, watch: SettingsWatch | None = None
    ) -> None:
        """Take what is worn now, where other swappers are put, what loads networks, and a file that may change."""
        self._settings, self._stage, self._networks, self._watch = settings, stage, networks, watch
        self._lock = threading.Lock()
        self._wanted: dict[str, object] = {}

    def want(self, changes: Mapping[str, object]) -> None:
        """Ask for other values of the settings in `CHANGEABLE`; any thread may. The newest value of each counts."""
        with self._lock:
            self._wanted |= changes

    def renew(self) -> str | None:
        """Do what is wanted, or what was changed in the settings file; one thread calls it, about once a second.

        Returns:
            What was changed, in one sentence; None when there was nothing to do.

        Raises:
            MienError: why it was not changed; what was worn before is worn on.
        """
        wanted = self._take_wanted()
        later = [name for name in wanted if name not in CHANGEABLE]
        now = {name: value for name, value in wanted.items() if name in CHANGEABLE}
        if not now:
            return f"From the next start on: {', '.join(later)}." if later else None
        settings = revised(self._settings, now)
        self._stage.wear(self._made(settings))
        self._settings = settings
        faces = ", ".join(Path(face).name for face in settings.face) or "the same faces"
        return f"Worn from now on: {faces}, by the swapper {settings.swapper}."

    def _take_wanted(self) -> dict[str, object]:
        with self._lock:
            wanted, self._wanted = self._wanted, {}
        read = None if self._watch is None else self._watch.changed()
        if read is None:
            return wanted
        in_file = {name: getattr(read, name) for name in Settings.model_fields}
        return {name: value for name, value in in_file.items() if value != getattr(self._settings, name)} | wanted

    def _made(self, settings: Settings) -> list[Swapper]:
        check_swapper(settings.swapper)
        wardrobe = open_wardrobe(settings, None)
        return [make_swapper(settings, lent_face(photos), self._networks) for photos in wardrobe.faces]
