"""Presets: settings under a name, back again with a click, or as the file that `mien run` reads."""

from collections.abc import Awaitable, Callable

from mien.panel import kit
from mien.panel.devices import camera_shown
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.presets import Preset, patch_of
from mien.panel.status import StatusView
from mien_models.errors import MienError


def presets_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Presets"), say("How it is now is kept by itself, also with each camera, and is back at the next start.")
    )
    _Save(frame)
    kit.words(say("Kept"), "section-title", "h2")
    _Kept(frame)


class _Save:
    """Keeps what is in force."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        with kit.box("card"):
            kit.words(say("Keep everything as it is now"), tag="h2")
            with kit.box("form-row"):
                self._name = kit.text_field(say("Name of the preset"), say("Evening stream"))
                kit.button(say("Keep"), self._keep, "btn-main", "save")
            with kit.box("form-row"):
                self._undo = kit.button(say("Take back the last change"), self._take_back, "btn-small", "undo")
                if frame.is_own:
                    kit.link(say("Download as mien.toml"), "/mien.toml", "btn btn-small", "download")
        frame.follow(self._look)

    async def _keep(self) -> None:
        status = self._frame.panel.link.status
        if status is None:
            self._frame.toast(self._frame.words("No session runs. Start one on the start page."), "bad")
            return
        try:
            preset = self._frame.panel.presets.save(kit.value_of(self._name), status.camera, status.settings)
        except MienError as error:
            self._frame.complain(error)
            return
        self._frame.toast(self._frame.words("Kept as {name}.", name=preset.name))

    async def _take_back(self) -> None:
        values = self._frame.panel.history.take_back()
        if values is not None:
            await self._frame.attempt(self._frame.panel.change(values, is_undo=True), self._frame.words("Taken back."))

    def _look(self, _status: StatusView | None) -> None:
        kit.put(self._undo, disabled=True if self._frame.panel.history.is_empty else None)


class _Kept:
    """The presets."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("rows")
        frame.follow(self._look)

    def _look(self, _status: StatusView | None) -> None:
        presets = self._frame.panel.presets.all()
        if self._grid.is_new([(one.name, one.camera) for one in presets]):
            with self._grid.box:
                if not presets:
                    kit.words(self._frame.words("Nothing is kept yet."), "empty")
                for preset in presets:
                    self._row(preset)

    def _row(self, preset: Preset) -> None:
        say = self._frame.words
        with kit.box("row-card"):
            with kit.box("row-text"):
                kit.words(preset.name, "row-name")
                kit.words(say("Camera: {name}", name=camera_shown(preset.camera)), "row-note")
            with kit.box("row-buttons"):
                kit.button(say("Use"), self._use(preset), "btn-small", "check", label=f"{say('Use')}: {preset.name}")
                if self._frame.is_own:
                    kit.link("mien.toml", f"/preset/{preset.key}/mien.toml", "btn btn-small", "download")
                    label = f"{say('Remove')}: {preset.name}"
                    kit.button("", self._remove(preset), "btn-small btn-danger", "trash", label=label)

    def _use(self, preset: Preset) -> Callable[[], Awaitable[object]]:
        async def use() -> None:
            say = self._frame.words
            await self._frame.change(patch_of(preset), say("{name} is in force.", name=preset.name))

        return use

    def _remove(self, preset: Preset) -> Callable[[], Awaitable[object]]:
        async def remove() -> None:
            self._frame.panel.presets.remove(preset.key)

        return remove
