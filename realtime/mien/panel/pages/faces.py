"""The faces: the library with the right to each, and the photos that were dropped."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import ui

from mien.config.choices import ConsentKind
from mien.panel import kit
from mien.panel.faces import FaceTile, consent_on_record
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.pages.pieces import USES
from mien.panel.photos import Understood
from mien.panel.status import StatusView
from mien.panel.words import CONSENTS
from mien_models.errors import MienError


def faces_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Faces"), say("Faces are people. Each is kept encrypted, with whose it is, what it is for and until when.")
    )
    photos = _Photos(frame)
    kit.words(say("Your library"), "section-title", "h2")
    _Library(frame)
    photos.put_up()


class _Library:
    """The faces that are kept. Has state: which one is about to be removed."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._find = pieces.find_field(frame, ".rows .row-card")
        self._grid = pieces.Grid("rows")
        self._asked = ""
        frame.follow(self._look)

    def _look(self, _status: StatusView | None) -> None:
        tiles = self._frame.panel.faces.of_library()
        kit.show(self._find, is_shown=len(tiles) > pieces.MANY)
        if self._grid.is_new([(one.key, one.has_ended, one.key == self._asked) for one in tiles]):
            with self._grid.box:
                if not tiles:
                    kit.words(self._frame.words("No face is kept yet. Drop a photo below, then keep it."), "empty")
                for tile in tiles:
                    self._row(tile)

    def _row(self, tile: FaceTile) -> None:
        say = self._frame.words
        with kit.box("row-card"):
            kit.box("row-face", "img", src=tile.picture, alt="", loading="lazy")
            with kit.box("row-text"):
                kit.words(tile.name, "row-name")
                for text, state in _terms_said(self._frame, tile):
                    kit.words(text, f"row-note {state}")
            with kit.box("row-buttons"):
                if not tile.has_ended:
                    kit.button(say("Wear"), self._wear(tile), "btn-small", "check", label=f"{say('Wear')}: {tile.name}")
                is_asked = tile.key == self._asked
                text = say("Really forget it for good") if is_asked else say("Forget")
                kit.button(text, self._forget(tile), "btn-small btn-danger", "trash", label=f"{text}: {tile.name}")

    def _wear(self, tile: FaceTile) -> Callable[[], Awaitable[object]]:
        async def use() -> None:
            await self._frame.change(tile.values, self._frame.words("This is your face now."))

        return use

    def _forget(self, tile: FaceTile) -> Callable[[], Awaitable[object]]:
        async def forget() -> None:
            if self._asked != tile.key:
                self._asked = tile.key
                return
            self._asked = ""
            done = self._frame.words("{name} is forgotten: its key and its photos are gone.", name=tile.name)
            await self._frame.attempt(self._frame.panel.faces.remove(tile.key), done)

        return forget


def _terms_said(frame: Frame, tile: FaceTile) -> list[tuple[str, str]]:
    say = frame.words
    if tile.kept is None:
        return []
    terms = tile.kept.terms
    for_what = ", ".join(say(USES[one]) for one in terms.scope)
    said = [(f"{say(CONSENTS[terms.consent.value][1])} {say('For: {uses}.', uses=for_what)}", "")]
    if terms.until is None:
        said.append((say("Without an end."), ""))
    elif tile.has_ended:
        said.append((say("Ended on {day}. Ask again, then forget it and keep it anew.", day=terms.until), "is-bad"))
    else:
        said.append((say("Until {day}.", day=terms.until), ""))
    return said


class _Photos:
    """The photos that were dropped: they can be kept, or are gone at the next start if nothing uses them."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._names: dict[str, ui.element] = {}

    def put_up(self) -> None:
        """Show them."""
        say = self._frame.words
        kit.words(say("Photos you dropped"), "section-title", "h2")
        kit.drop_zone(
            say("Drop photos here, or click to choose"),
            say("They stay on this computer, and only as long as they are used."),
            "photo",
            take=self._dropped,
            refuse=self._refused,
            accept=pieces.PHOTO_TYPES,
            is_several=True,
        )
        self._grid = pieces.Grid("rows section-title")
        self._frame.follow(self._look)

    async def _refused(self, why: str) -> None:
        self._frame.toast(why, "bad")

    async def _dropped(self, name: str) -> None:
        try:
            found = await self._frame.panel.photos.understood(name)
        except MienError as error:
            self._frame.complain(error)
            return
        if found.fault is not None:
            self._frame.panel.photos.forget(name)
            self._frame.toast(found.fault, "bad")

    def _look(self, _status: StatusView | None) -> None:
        known = self._frame.panel.photos.usable()
        if self._grid.is_new([one.name for one in known]):
            with self._grid.box:
                for one in known:
                    self._row(one)

    def _row(self, one: Understood) -> None:
        say = self._frame.words
        with kit.box("row-card"):
            kit.box("row-face", "img", src=f"/photo/{one.name}/thumb.jpg", alt="", loading="lazy")
            with kit.box("row-text"):
                pieces.understood(self._frame, one)
            with kit.box("form-row"):
                self._names[one.name] = kit.text_field(say("Name for the library"), say("Name"))
                kinds = {kind: say(title) for kind, (title, _) in CONSENTS.items()}
                on_record = consent_on_record(Path(one.path))
                value = "" if on_record is None else on_record.value
                choice = {"consent": value}
                choices = kinds if value else {"": say("Whose face is it?"), **kinds}

                async def choose(kind: str) -> None:
                    choice["consent"] = kind

                kit.choice(say("Whose face is it?"), choices, choose, value=value)
                kit.button(say("Keep in the library"), self._keep(one, choice), "btn-small", "save")
                kit.button(say("Forget"), self._forget(one), "btn-small btn-danger", "trash")

    def _keep(self, one: Understood, choice: dict[str, str]) -> Callable[[], Awaitable[object]]:
        async def keep() -> None:
            say = self._frame.words
            if not choice["consent"]:
                self._frame.toast(say("Say whose face it is first."), "ask")
                return
            name = kit.value_of(self._names[one.name])
            kept = self._frame.panel.faces.keep(one, name, ConsentKind(choice["consent"]))
            await self._frame.attempt(kept, say("{name} is kept.", name=name))

        return keep

    def _forget(self, one: Understood) -> Callable[[], Awaitable[object]]:
        async def forget() -> None:
            try:
                self._frame.panel.photos.forget(one.name)
            except MienError as error:
                self._frame.complain(error)

        return forget
