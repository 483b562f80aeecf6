"""What is worn: swappers made for the lent faces, and changed while a run goes on."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil

from mien.config import paths
from mien.config.settings import Settings, revised
from mien.config.watch import SettingsWatch
from mien.consent.permits import Permits
from mien.consent.terms import Scope
from mien.session.defaults import default_sinks
from mien.session.recognition import self_check
from mien.session.source_faces import SourceFaces, open_source_faces
from mien.session.swappers import SWAPPERS, library
from mien.sinks import parse_sink
from mien.stages.consent_gate import OwnerCheckStage
from mien.stages.swap import SwapStage
from mien.tracking.source_photo import source_face_from
from mien_models.errors import UnknownPluginError
from mien_models.interfaces import Swapper
from mien_models.swappers._loader import Networks
from mien_models.types import SourceFace, SwapOptions

CHANGEABLE: Final = ("face", "consent", "swapper", "shape", "strength", "boost", "morph", "template")
"""The settings that a run can take on while it lasts."""


_USES: Final[Mapping[str, tuple[Scope, ...]]] = {"file": (Scope.RECORDING,), "images": (Scope.RECORDING,), "null": ()}
"""What sinks use a face for; any other is live."""
LEFT_FREE: Final = 2
"""Cores that a swapper's network leaves to decoding, following, blending and the sinks."""


def user_networks(settings: Settings) -> Networks:
    """Give what loads the user's networks where they run best."""
    cores = psutil.cpu_count(logical=False) or 1
    return Networks(
        library(),
        preferred=settings.provider,
        threads=settings.swapper_threads or max(1, cores - LEFT_FREE),
        caches=paths.data_folder() / "engines",
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
    options = SwapOptions(
        settings.shape, settings.strength, settings.boost, morph=settings.morph, template=settings.template
    )
    if settings.swapper in SWAPPERS.names():
        return SWAPPERS.load(settings.swapper)(source, options)
    return networks.swapper(settings.swapper, source, options)


def uses_of(settings: Settings) -> tuple[Scope, ...]:
    """Say what the sinks of a run use faces for."""
    names = [parse_sink(spec)[0] for spec in settings.sinks or default_sinks()]
    found = {use for name in names for use in _USES.get(name, (Scope.LIVE,))}
    return tuple(use for use in Scope if use in found)


def _source_of(settings: Settings) -> tuple[object, ...]:
    """Give the settings that say whose face is worn; some swappers bring their own."""
    return settings.face, settings.consent, settings.swapper


@dataclass(frozen=True, slots=True)
class SourceFacesInUse:
    """What a run wears: the stage that holds the swappers, and what watches over the faces."""

    stage: SwapStage
    permits: Permits
    source_faces: SourceFaces
    check: OwnerCheckStage = field(default_factory=lambda: OwnerCheckStage(None))
    """Looks whether a face that is lent as the wearer's own is theirs."""


class LiveChanges:
    """Changes what a run wears: what takes time is done beside the run, which goes on with it from the next frame.

    Has state: what is worn, and what is wanted.
    """

    def __init__(
        self, settings: Settings, in_use: SourceFacesInUse, networks: Networks, watch: SettingsWatch | None = None
    ) -> None:
        """Take what is worn now, where other swappers are put, what loads networks, and a file that may change."""
        self._settings, self._in_use, self._networks, self._watch = settings, in_use, networks, watch
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
        check_swapper(settings.swapper)
        is_same = _source_of(settings) == _source_of(self._settings)
        # The same faces are not opened again: nobody could be asked for a pass-phrase now.
        source_faces = self._in_use.source_faces if is_same else open_source_faces(settings, None)
        for use in uses_of(settings):
            source_faces.allow(use)
        self._put_on(settings, source_faces, is_same=is_same)
        faces = ", ".join(Path(face).name for face in settings.face) or "the same faces"
        return f"Worn from now on: {faces}, by the swapper {settings.swapper}."

    def _put_on(self, settings: Settings, source_faces: SourceFaces, *, is_same: bool) -> None:
        """Make all that takes time first, so that nothing is changed where a part of it fails; then put it in."""
        sources = tuple(source_face_from(photos) for photos in source_faces.faces)
        swappers = [make_swapper(settings, source, self._networks) for source in sources]
        if not is_same:
            self._in_use.check.hold(self_check(settings, source_faces, sources, self._networks))
        self._in_use.stage.apply(swappers)
        self._in_use.permits.hold(source_faces.permits)
        self._in_use = replace(self._in_use, source_faces=source_faces)
        self._settings = settings

    def _take_wanted(self) -> dict[str, object]:
        with self._lock:
            wanted, self._wanted = self._wanted, {}
        read = None if self._watch is None else self._watch.changed()
        if read is None:
            return wanted
        in_file = {name: getattr(read, name) for name in Settings.model_fields}
        return {name: value for name, value in in_file.items() if value != getattr(self._settings, name)} | wanted
