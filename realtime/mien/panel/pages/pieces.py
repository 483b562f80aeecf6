"""Pieces that several pages have: the preview, face tiles, what was understood of a photo, whose face it is."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from nicegui import ui

from mien.config.choices import ConsentKind
from mien.consent.terms import Scope
from mien.panel import kit
from mien.panel.faces import ASTRONAUT, FaceTile
from mien.panel.pages.frame import Frame
from mien.panel.photos import Understood
from mien.panel.status import StatusView
from mien.panel.words import CONSENTS, N_

_KEYS: Final = 9
MANY: Final = 12
"""More than these scroll, and can be searched."""
PHOTO_TYPES: Final = "image/*,.tif,.tiff,.jp2"
NOWHERE: Final = "null"
"""The output that nobody sees."""
USES: Final = {Scope.LIVE: N_("live"), Scope.RECORDING: N_("recordings"), Scope.STREAMING: N_("streams")}


def preview(frame: Frame, *, has_compare: bool) -> ui.element:
    """Show what is sent; the person at this machine may lay the camera's own picture beside it."""
    say = frame.words
    view = kit.box("preview", "mien-preview", role="img", aria_label=say("The picture as others see it"))
    kit.put(
        view,
        data_sent=say("What others see"),
        data_camera=say("Your camera, seen only here"),
        data_waiting=say("Waiting for the first picture …"),
        data_split=say("Where the two pictures meet"),
        data_compare="" if has_compare and frame.is_own else None,
    )
    return view


class StartButton:
    """Starts the camera where none runs, as it was used last; where that failed, as at first."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._button = kit.button(frame.words("Start the camera"), self._begin, "btn-main", "start")
        frame.follow(self._look)

    async def _begin(self) -> None:
        panel = self._frame.panel
        is_plain = panel.launcher.failure() is not None
        await self._frame.attempt(asyncio.to_thread(panel.start_session, is_plain=is_plain))

    def _look(self, status: StatusView | None) -> None:
        panel = self._frame.panel
        is_needed = status is None and not panel.launcher.is_starting and not panel.link.trouble
        kit.show(self._button, is_shown=self._frame.is_own and is_needed)


def figure(unit: str) -> kit.Words:
    """Show one number, large, above what it counts."""
    with kit.box("figure"):
        number = kit.words("–", "figure-number", "span")
        kit.words(unit, "figure-unit", "span")
    return number


def find_field(frame: Frame, what: str) -> ui.element:
    """Make a field that leaves only those of many things in sight whose text has what is typed; the browser does it."""
    field = kit.text_field(frame.words("Find"), frame.words("Find"))
    field.classes("find")
    kit.put(field, data_find=what, type="search")
    return field


class FaceTiles:
    """The faces to click, or to choose by the keys 1 to 9. Has state: which are shown."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._find = find_field(frame, ".tiles .tile")
        self._box = kit.box("tiles")
        self._shown: tuple[FaceTile, ...] | None = None
        self._buttons: dict[str, tuple[FaceTile, ui.element]] = {}
        self.renew()
        frame.follow(self._look)

    def renew(self) -> None:
        """Show what there is now."""
        tiles = self._frame.panel.faces.tiles()
        if tiles == self._shown:
            return
        self._shown, self._buttons = tiles, {}
        self._box.clear()
        kit.show(self._find, is_shown=len(tiles) > MANY)
        kit.state_class(self._box, "is-", "many" if len(tiles) > MANY else "few")
        with self._box:
            for number, tile in enumerate(tiles, start=1):
                self._buttons[tile.key] = tile, self._tile(tile, number)

    def _tile(self, tile: FaceTile, number: int) -> ui.element:
        say = self._frame.words
        name = name_of(self._frame, tile)

        async def use() -> None:
            await self._frame.change(tile.values)

        button = kit.box("tile", "button", type="button", aria_pressed="false", title=name, data_tile=tile.key)
        button.on("click", use, args=[])
        with button:
            kit.box("tile-picture", "img", src=tile.picture, alt="", loading="lazy")
            kit.words(name, "tile-name", "span")
            if number <= _KEYS:
                kit.put(button, data_key=str(number), aria_keyshortcuts=str(number))
                kit.words(str(number), "tile-key", "span")
                kit.put(button, aria_label=say("Wear {name}, key {number}", name=name, number=number))
        return button

    def _look(self, status: StatusView | None) -> None:
        self.renew()
        used = None if status is None else tuple(map(str, status.value("face") or ()))
        for tile, button in self._buttons.values():
            kit.put(button, aria_pressed="true" if used is not None and used == tile.used_as else "false")


def name_of(frame: Frame, tile: FaceTile) -> str:
    """Say what a face is called."""
    if tile.key == ASTRONAUT:
        return frame.words("The astronaut")
    return tile.name or frame.words("Photo")


def understood(frame: Frame, found: Understood) -> None:
    """Show what was understood of a photo: whether it is good, and if not, what would help."""
    say = frame.words
    with kit.box("understood"):
        if found.fault is not None:
            kit.words(say("This photo cannot be used"), "verdict is-bad", "h3")
            kit.words(say.told(found.fault), "verdict-why")
            kit.words(
                say("Take one in which a face looks into the camera, in even light, 256 pixels wide or more."), "hint"
            )
            return
        good = not found.remarks
        kit.words(
            say("A good photo") if good else say("Usable, and here is what would be better"),
            f"verdict {'is-good' if good else 'is-fair'}",
            "h3",
        )
        if found.faces > 1:
            kit.words(say("It shows {number} faces; the largest is taken.", number=found.faces), "verdict-why")
        if found.remarks:
            with kit.box("remarks", "ul"):
                for remark in found.remarks:
                    kit.words(say.told(remark), tag="li")
        with kit.box("more", "details"):
            kit.words(say("See what Mien made of it"), tag="summary")
            picture = say("The photo with its mesh, laid flat, and swapped from three sides")
            kit.box("sheet", "img", src=f"/photo/{found.name}/sheet.jpg", alt=picture, loading="lazy")


def whose(frame: Frame, chosen: Callable[[ConsentKind], Awaitable[object]]) -> None:
    """Ask whose face it is; one click answers, and the answer is remembered with the photo."""
    say = frame.words
    kit.words(say("Whose face is it?"), "ask", "h3")
    kit.words(say("Mien uses a face only where somebody has the right to it. Your answer is remembered."), "hint")
    with kit.box("consents"):
        for kind, (title, meaning) in CONSENTS.items():
            button = kit.box("consent", "button", type="button")
            kit.put(button, data_consent=kind)
            button.on("click", _answer(kind, chosen), args=[])
            with button:
                kit.words(say(title), "consent-title", "strong")
                kit.words(say(meaning), "consent-meaning", "span")


def _answer(kind: str, chosen: Callable[[ConsentKind], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
    async def answer() -> None:
        await chosen(ConsentKind(kind))

    return answer


def command_in(advice: str) -> str | None:
    """Find the command in a piece of the doctor's advice."""
    at = advice.find("sudo ")
    if at < 0:
        return None
    return advice[at:].partition(", then ")[0].partition("  (")[0].rstrip(".")


class Grid:
    """Elements that are made anew only when what they show has changed. Has state: a digest of that."""

    def __init__(self, classes: str, tag: str = "div") -> None:
        self.box = kit.box(classes, tag)
        self._digest = ""

    def is_new(self, shown: Sequence[object]) -> bool:
        """Whether this is not what is shown already; if so, the box is emptied to be filled."""
        digest = hashlib.sha256(repr(shown).encode()).hexdigest()
        if digest == self._digest:
            return False
        self._digest = digest
        self.box.clear()
        return True


async def add_output(frame: Frame, spec: str, use: Scope | None, done: str) -> bool:
    """Let the session send to one more output; say why where it does not."""
    say, panel = frame.words, frame.panel
    status = panel.link.status
    if status is None:
        frame.toast(say("No session runs. Start one on the start page."), "bad")
        return False
    for face in panel.faces.without(use, status.faces):
        uses = ", ".join(say(USES[one]) for one in face.terms.scope)
        question = say(
            "{name} may be used for {uses} so far. Did the person whose face it is agree to {use} too?",
            name=face.terms.name,
            uses=uses,
            use=say(USES[use]) if use is not None else "",
        )
        if use is None or not await frame.ask(question, say("Yes, they agreed")):
            return False
        if not await frame.attempt(panel.faces.agree(face, use)):
            return False
    status = panel.link.status or status
    others = [one for one in status.outputs if one not in {NOWHERE, spec}]
    return await frame.change({"sinks": [*others, spec]}, done)


async def remove_output(frame: Frame, spec: str, done: str = "") -> bool:
    """Let the session send to one output less; where it was the last, nobody sees the picture."""
    status = frame.panel.link.status
    if status is None:
        return False
    return await frame.change({"sinks": [one for one in status.outputs if one != spec] or [NOWHERE]}, done)
