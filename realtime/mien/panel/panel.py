"""The panel's parts, which all of its pages share."""

import contextlib
import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from mien.panel.access import GuestAccess
from mien.panel.devices import Cameras, Microphones
from mien.panel.faces import Faces
from mien.panel.lan import Lan
from mien.panel.launch import Launcher
from mien.panel.link import SessionLink
from mien.panel.other_machines import OtherMachines
from mien.panel.photos import Photos
from mien.panel.presets import History, Presets, kept_of
from mien.panel.preview import Previews
from mien.panel.status import StatusView
from mien.panel.trend import Trend
from mien.panel.uploads import Uploads
from mien.session.messages import AppliedReply, RefusedReply
from mien_models.errors import MienError

if TYPE_CHECKING:
    from mien.panel.models import Models

_LOG = logging.getLogger(__name__)


class Panel:
    """Everything behind the pages. Has state in its parts only."""

    def __init__(self, lan: Lan, guests: GuestAccess) -> None:
        self.lan, self.guests = lan, guests
        self.presets = Presets()
        self.trend = Trend()
        self.link = SessionLink(self._hear)
        self.launcher = Launcher()
        self.uploads = Uploads()
        self.photos = Photos(self.uploads)
        self.faces = Faces(self.photos)
        self.cameras = Cameras(self.link)
        self.previews = Previews(self.link)
        self.history = History()
        self.microphones = Microphones()
        self.machines = OtherMachines()
        self._looks = 0
        self._remembered: tuple[str, int] | None = None

    @cached_property
    def models(self) -> "Models":
        """The networks; what looks at them is loaded when somebody does, the first page should be there at once."""
        from mien.panel.models import Models

        return Models()

    @property
    def knows_the_way(self) -> bool:
        """Whether the user has chosen a face before: then the first page is the live one."""
        last = self.presets.last()
        return last is not None and bool(last.settings.get("face"))

    def begin(self) -> None:
        """Find the session that runs, or start one as it was last time; needs no browser."""
        self.uploads.sweep(self.presets.paths_used() | self._photos_in_use())
        self.link.start()
        try:
            self.link.client()
        except MienError:
            self.start_session()

    def start_session(self, *, is_plain: bool = False) -> None:
        """Start a session: as it was used last, or where that does not go (or is not wanted) as a first one.

        Raises:
            MienError: not even the plain one can be started.
        """
        last = None if is_plain else self.presets.last()
        if last is not None:
            try:
                self.launcher.start(self._without_lost_photos(last.settings))
            except MienError as error:
                _LOG.warning("The last settings cannot be used again: %s", error)
            else:
                return
        self.launcher.start({})

    async def change(self, values: Mapping[str, JsonValue], *, is_undo: bool = False) -> AppliedReply | RefusedReply:
        """Ask the session for other settings, and keep how it was before.

        Raises:
            MienError: no session answers.
        """
        before = self.link.status
        reply = await self.link.ask(lambda client: client.set(values))
        if isinstance(reply, AppliedReply) and before is not None and not is_undo:
            self.history.note(before, reply.changed)
        return reply

    def end(self) -> None:
        """Let go of everything; the session goes on."""
        self.link.stop()

    def _hear(self, status: StatusView) -> None:
        self._looks += 1
        if self._looks % 2:
            self.trend.add(status)
        self._remember(status)

    def _remember(self, status: StatusView) -> None:
        """Keep what is in force as what was used last, once after each change; the link's thread calls it."""
        now = (status.session_id, status.revision)
        if now == self._remembered:
            return
        self._remembered = now
        with contextlib.suppress(MienError):
            self.presets.remember(status.camera, kept_of(status.settings))

    def _without_lost_photos(self, settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Leave out a face whose photo is not here any longer: the session would not begin."""
        faces = settings.get("face")
        names = [str(face) for face in faces] if isinstance(faces, list) else []
        is_lost = any(self.uploads.is_ours(name) and not Path(name).is_file() for name in names)
        return {**settings, "face": []} if is_lost else dict(settings)

    def _photos_in_use(self) -> frozenset[str]:
        """Give the photos that the session which runs uses, if there is one."""
        try:
            face: object = self.link.ask_now(lambda client: client.status())["settings"]
            faces: object = face.get("face") if isinstance(face, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        except (MienError, KeyError):
            return frozenset()
        return frozenset(map(str, faces)) if isinstance(faces, list) else frozenset()  # pyright: ignore[reportUnknownArgumentType]
