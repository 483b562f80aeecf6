"""The networks: what each is, what its licence allows, how fast it is here; add, try, remove."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

from nicegui import ui

from mien.panel import kit
from mien.panel.models import ModelRow
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.status import StatusView
from mien.panel.uploads import KINDS
from mien.panel.words import N_
from mien_models.errors import MienError

_KINDS = {
    "swapper": N_("swaps faces"),
    "identity": N_("tells people apart"),
    "converter": N_("helps a swapper"),
    "detector": N_("finds faces"),
    "landmarker": N_("finds eyes, nose and mouth"),
    "segmenter": N_("finds people"),
    "damaged": N_("damaged"),
}
_DOING = {
    "": N_("Waiting …"),
    "downloading": N_("Downloading …"),
    "looking": N_("Looking at it …"),
    "trying": N_("Trying it in a process of its own …"),
}


def models_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Models"),
        say("The networks that Mien can run. It ships none of other people's swappers and downloads none by itself."),
    )
    _Add(frame)
    kit.words(say("Installed"), "section-title", "h2")
    _Installed(frame)


class _Add:
    """A file that is dropped or an address that is typed becomes a model."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        with kit.box("card"):
            kit.drop_zone(
                say("Drop an ONNX or DFM file, or click to choose"),
                say("It is recognised, tried beside the stream and copied into your folder of models."),
                "model",
                take=self._dropped,
                refuse=self._refused,
                accept=".onnx,.dfm",
            )
            with kit.box("form-row"):
                self._address = kit.text_field(say("Address of a file"), "https://…", longest=500)
                kit.button(say("Download"), self._download, "btn-small", "download")
            with kit.box("form-row"):
                self._name = kit.text_field(say("What to call it, if you like"), say("Name"))
                self._answer = kit.text_field(say("Answer, if it asks something"), say("Answer, if it asks something"))
            self._doing = kit.words("", "hint")
        frame.follow(self._look)

    async def _refused(self, why: str) -> None:
        self._frame.toast(why, "bad")

    async def _dropped(self, name: str) -> None:
        await self._add(self._frame.panel.uploads.path(KINDS["model"], name), "model.onnx")

    async def _download(self) -> None:
        await self._add(kit.value_of(self._address), "")

    async def _add(self, source: object, called: str) -> None:
        models = self._frame.panel.models
        name, answer = kit.value_of(self._name) or None, kit.value_of(self._answer) or None
        try:
            said = await models.add(source, f"{name or 'model'}.onnx" if called else "", name, answer)  # type: ignore[arg-type]
        except MienError as error:
            self._frame.complain(error)
            return
        self._frame.toast(said)

    def _look(self, _status: StatusView | None) -> None:
        progress = self._frame.panel.models.progress
        if progress is None:
            self._doing.set_text("")
            return
        part = "" if progress.part is None else f" {progress.part:.0%}"
        self._doing.set_text(f"{self._frame.words(_DOING[progress.doing])}{part}")


class _Installed:
    """The networks. Has state: which one is about to be removed."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("rows")
        self._asked = ""
        with frame.timers():
            ui.timer(2.0, self._renew)

    async def _renew(self) -> None:
        rows = await asyncio.to_thread(self._frame.panel.models.rows)
        if self._grid.is_new([*rows, self._asked]):
            with self._grid.box:
                for row in rows:
                    self._row(row)

    def _row(self, row: ModelRow) -> None:
        say = self._frame.words
        with kit.box("row-card"):
            with kit.box("row-text"):
                kit.words(row.name, "row-name")
                kind = say(_KINDS[row.kind]) if row.kind in _KINDS else row.kind
                kit.words(f"{kind}, {say('built in')}" if row.is_built_in else f"{kind} · {row.family}", "row-note")
                kit.words(
                    f"{row.licence}: {row.terms}" if row.licence else row.fault,
                    f"row-note {'' if row.licence else 'is-bad'}",
                )
                for name in row.missing:
                    kit.words(say("It needs {name}, which is not there.", name=name), "row-note is-fair")
            picture = kit.box("row-face", "img", alt=say("A portrait swapped with it"))
            kit.show(picture, is_shown=False)
            with kit.box("row-buttons"):
                if row.kind == "swapper":
                    text = say("Use")
                    kit.button(text, self._use(row), "btn-small", "check", label=f"{text}: {row.name}")
                    text = say("Try")
                    kit.button(text, self._try(row, picture), "btn-small", "faces", label=f"{text}: {row.name}")
                if not row.is_built_in:
                    is_asked = row.name == self._asked
                    text = say("Really remove it") if is_asked else say("Remove")
                    kit.button(text, self._remove(row), "btn-small btn-danger", "trash", label=f"{text}: {row.name}")

    def _use(self, row: ModelRow) -> Callable[[], Awaitable[object]]:
        async def use() -> None:
            await self._frame.change({"swapper": row.name}, self._frame.words("{name} swaps now.", name=row.name))

        return use

    def _try(self, row: ModelRow, picture: ui.element) -> Callable[[], Awaitable[object]]:
        async def test() -> None:
            self._frame.toast(self._frame.words("Trying {name} …", name=row.name))
            try:
                jpeg = await self._frame.panel.models.picture(row.name)
                speed = "" if row.is_built_in else await self._frame.panel.models.test(row.name)
            except MienError as error:
                self._frame.complain(error)
                return
            kit.put(picture, src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}")
            kit.show(picture, is_shown=True)
            self._frame.toast(self._frame.words("{name} works here. {speed}", name=row.name, speed=speed))

        return test

    def _remove(self, row: ModelRow) -> Callable[[], Awaitable[object]]:
        async def remove() -> None:
            if self._asked != row.name:
                self._asked = row.name
            else:
                self._asked = ""
                done = self._frame.words("{name} is removed.", name=row.name)
                await self._frame.attempt(self._frame.panel.models.remove(row.name), done)
            await self._renew()

        return remove
