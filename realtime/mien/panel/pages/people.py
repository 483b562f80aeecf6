"""The people before the camera: who gets which face."""

import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from nicegui import ui
from nicegui.events import GenericEventArguments
from pydantic import JsonValue

from mien.panel import kit
from mien.panel.faces import ASTRONAUT, FaceTile
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.status import StatusView
from mien.panel.uploads import KINDS
from mien.panel.words import VALUES
from mien.session.messages import SeenFace
from mien_models.errors import MienError

_LOOK_S: Final = 1.0
_SHOWN_PX: Final = 160
_KNOWN_PX: Final = 512
_NOBODY: Final = "-"
_MODES: Final = ("largest", "leftmost", "all")


def people_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(say("People"), say("Who is in front of the camera, and whose face they get. These pictures stay here."))
    _Modes(frame)
    kit.words(say("In sight now"), "section-title", "h2")
    _People(frame)


class _Modes:
    """Who is swapped, in one word."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        self._chips: dict[str, ui.element] = {}
        with kit.box("chips", role="group", aria_label=say("Who is swapped")):
            for mode in _MODES:
                text = say(VALUES["assign", mode])
                self._chips[mode] = kit.button(text, self._choose(mode), "chip")
        frame.follow(self._look)

    def _choose(self, mode: str) -> Callable[[], Any]:
        async def choose() -> None:
            await self._frame.change({"assign": mode})

        return choose

    def _look(self, status: StatusView | None) -> None:
        now = None if status is None else status.value("assign")
        for mode, chip in self._chips.items():
            kit.put(chip, aria_pressed="true" if mode == now else "false")


class _People:
    """The faces in sight, each with whose face it gets. Has state: what was chosen for whom."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._chosen: dict[int, str] = {}
        self._pictures: dict[int, ui.element] = {}
        self._cards: dict[int, ui.element] = {}
        self._tiles = {tile.key: tile for tile in frame.panel.faces.tiles() if tile.key != ASTRONAUT}
        self._faces = pieces.Grid("people")
        self._how = kit.box("rows")
        with self._how:
            self._explain()
        with frame.timers():
            ui.timer(_LOOK_S, self._renew)

    @property
    def _can_tell_apart(self) -> bool:
        status = self._frame.panel.link.status
        wanted = "arcface_w600k_r50" if status is None else str(status.value("recogniser"))
        from mien.session.swappers import library

        return wanted in library().names()

    def _explain(self) -> None:
        say = self._frame.words
        if self._can_tell_apart:
            if self._tiles:
                kit.words(say("Draw a face onto a person, or choose it below their picture."), "section-title hint")
                with kit.box("tiles"):
                    for tile in self._tiles.values():
                        with kit.box("tile", draggable="true", data_face=tile.key):
                            kit.box("tile-picture", "img", src=tile.picture, alt="", draggable="false")
                            kit.words(pieces.name_of(self._frame, tile), "tile-name", "span")
            return
        with kit.box("card"):
            kit.words(say("To give each person a face of their own, Mien has to tell people apart."), tag="h3")
            kit.words(
                say("Add the network arcface_w600k_r50 on the models page: it compares faces on this computer only."),
                "hint",
            )
            kit.link(say("To the models"), "/models", "plain-link")

    async def _renew(self) -> None:
        try:
            seen = await self._frame.panel.link.ask(lambda client: client.faces(_SHOWN_PX))
        except MienError:
            seen = ()
        status = self._frame.panel.link.status
        used = () if status is None else status.faces
        if self._faces.is_new([one.id for one in seen]):
            with self._faces.box:
                if not seen:
                    kit.words(self._frame.words("Nobody is in the picture."), "empty")
                self._cards = {one.id: self._card(one) for one in seen}
        for one in seen:
            picture, said = self._pictures_of(one.id)
            kit.put(picture, src=f"data:image/jpeg;base64,{one.jpeg}")
            kit.state_class(self._cards[one.id], "has-", "face" if one.role is not None else "none")
            said.set_text(self._said(one, used))

    def _card(self, one: SeenFace) -> ui.element:
        say = self._frame.words
        with kit.box("card person", data_person=str(one.id)) as card:
            kit.box("person-face", "img", alt=say("Somebody in front of the camera"))
            kit.words("", "row-note", "span")
            if self._can_tell_apart and self._tiles:
                names = {key: pieces.name_of(self._frame, tile) for key, tile in self._tiles.items()}
                choices = {"": say("Choose a face"), _NOBODY: say("Nobody: as they are"), **names}
                kit.choice(say("Face for this person"), choices, self._give(one.id), value=self._chosen.get(one.id, ""))

        async def dropped(event: GenericEventArguments) -> None:
            if self._can_tell_apart and str(event.args) in self._tiles:
                await self._give(one.id)(str(event.args))

        card.on("given", dropped, js_handler="(e) => emit(e.detail)")
        return card

    def _pictures_of(self, face_id: int) -> tuple[ui.element, kit.Words]:
        picture, said, *_ = self._cards[face_id].default_slot.children
        assert isinstance(said, kit.Words)  # noqa: S101 - as it was made above
        return picture, said

    def _said(self, one: SeenFace, used: tuple[str, ...]) -> str:
        say = self._frame.words
        if one.role is None:
            return say("As they are")
        name = used[one.role] if one.role < len(used) else "photo"
        return say("Gets: {name}", name=say("a photo") if name == "photo" else name)

    def _give(self, face_id: int) -> Callable[[str], Any]:
        async def give(key: str) -> None:
            self._chosen[face_id] = key
            with contextlib.suppress(KeyError):
                await self._frame.attempt(self._apply())

        return give

    async def _apply(self) -> None:
        """Ask for what was chosen: each person is known by a picture that is taken now and kept here."""
        from mien.tracking.selection import NOTHING

        say = self._frame.words
        seen = {one.id: one for one in await self._frame.panel.link.ask(lambda client: client.faces(_KNOWN_PX))}
        parts: list[str] = []
        for face_id, key in self._chosen.items():
            if key and face_id in seen:
                person = await self._kept(seen[face_id])
                parts.append(f"{person}={NOTHING if key == _NOBODY else self._used_as(self._tiles[key])}")
        if not any(not part.endswith(f"={NOTHING}") for part in parts):
            self._frame.toast(say("Give at least one person a face."), "ask")
            return
        values: dict[str, JsonValue] = {"face": [], "assign": ",".join(parts)}
        await self._frame.change(values, say("They are recognised from now on."))

    async def _kept(self, one: SeenFace) -> str:
        async def picture() -> AsyncIterator[bytes]:
            yield base64.b64decode(one.jpeg)

        uploads = self._frame.panel.uploads
        return str(uploads.path(KINDS["person"], await uploads.take(KINDS["person"], picture())))

    @staticmethod
    def _used_as(tile: FaceTile) -> str:
        return tile.used_as[0]
