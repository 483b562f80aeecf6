"""The outputs: what runs, how each is doing, what else there is and how to get it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nicegui import ui

from mien.consent.terms import Scope
from mien.panel import kit
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.pages.pieces import NOWHERE, add_output, remove_output
from mien.panel.status import SinkView, StatusView
from mien.panel.words import N_
from mien.session.messages import RecordAction
from mien.session.recordings import new_target, recordings_folder
from mien_models.errors import MienError, UsageError
from mien_models.system.sentence import sentence

if TYPE_CHECKING:
    from mien.sinks.registry import SinkPlugin

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]{1,500}", re.IGNORECASE)
_CAMERA: Final = "virtualcam"
_WORD: Final = re.compile(r"[\w .()-]{0,120}")
"""A port, a key, the name of a device; never a path."""
_STATES: Final = {
    "open": ("is-good", N_("running")),
    "opening": ("is-fair", N_("opening")),
    "closed": ("", N_("closed")),
    "failed": ("is-bad", N_("failed")),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of output."""

    name: str
    label: str
    help: str
    use: Scope | None
    target: str
    """What has to be typed, as its example shows; '' for nothing."""
    can_be_left_out: bool
    is_secret: bool
    writes: bool
    missing: str
    """Why it cannot be had now, and what to do; '' where it can."""


def outputs_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Outputs"), say("Where the picture goes. Each is on its own: one that fails leaves the others alone.")
    )
    kit.words(say("Running"), "section-title", "h2")
    _Running(frame)
    kit.words(say("Add"), "section-title", "h2")
    _Offers(frame)
    kit.words(say("Your network"), "section-title", "h2")
    _Network(frame)


class _Running:
    """What runs, with its health."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("rows")
        self._notes: dict[str, kit.Words] = {}
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        say = self._frame.words
        outputs = {} if status is None else dict(status.outputs)
        if self._grid.is_new([outputs]):
            with self._grid.box:
                if not outputs:
                    kit.words(say("Nothing is sent."), "empty")
                self._notes = {spec: self._row(spec, text) for spec, text in outputs.items()}
        sinks = {} if status is None else {one.description: one for one in status.run.sinks}
        for spec, note in self._notes.items():
            sink = sinks.get(outputs.get(spec, ""))
            if sink is not None:
                late_ms = status.sync_offset_ms if status is not None and spec.startswith(_CAMERA) else None
                late = say("sync offset for your microphone in OBS: {ms} ms", ms=late_ms)
                note.set_text(self._health(sink) if late_ms is None else f"{self._health(sink)} · {late}")
                kit.state_class(note, "is-", _STATES.get(sink.state, ("is-fair", ""))[0].removeprefix("is-") or "none")

    def _row(self, spec: str, description: str) -> kit.Words:
        say = self._frame.words
        with kit.box("row-card"):
            with kit.box("row-text"):
                kit.words(say("Nobody: the picture is only seen here") if spec == NOWHERE else description, "row-name")
                note = kit.words("", "row-note")
            if spec.startswith("file:") and self._frame.is_own:
                kit.button(say("New file"), self._split, "btn-small", "plus", label=f"{say('New file')}: {description}")
            if spec != NOWHERE:
                kit.button(say("Stop"), self._remove(spec), "btn-small", "minus", label=f"{say('Stop')}: {description}")
        return note

    def _health(self, sink: SinkView) -> str:
        say = self._frame.words
        if sink.why:
            return say.told(sink.why)
        state = say(_STATES[sink.state][1]) if sink.state in _STATES else sink.state
        if sink.fps is None:
            return state
        return say(
            "{state}, {rate} pictures a second, {dropped} left out",
            state=state,
            rate=f"{sink.fps:.0f}",
            dropped=sink.dropped,
        )

    async def _split(self) -> None:
        try:
            files = await self._frame.panel.link.ask(lambda client: client.record(RecordAction.SPLIT))
        except MienError as error:
            self._frame.toast(str(error), "bad")
            return
        self._frame.toast(self._frame.words("It goes on in {file}", file=", ".join(files)))

    def _remove(self, spec: str) -> Callable[[], Awaitable[object]]:
        async def remove() -> None:
            await remove_output(self._frame, spec)

        return remove


class _Offers:
    """What can be added, and how to get what cannot."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("cards")
        ui.timer(0, self._fill, once=True)

    async def _fill(self) -> None:
        offers = await asyncio.to_thread(offers_here)
        if self._grid.is_new([*offers]):
            with self._grid.box:
                for offer in offers:
                    self._card(offer)

    def _card(self, offer: Offer) -> None:
        say = self._frame.words
        name = say(offer.label)
        with kit.box("card offer", "section", aria_label=name):
            kit.words(name, "", "h3")
            kit.words(f"{say(offer.help)[:1].upper()}{say(offer.help)[1:]}.", "hint")
            if offer.writes:
                kit.words(say("Goes to {folder}", folder=_from_home(recordings_folder())), "row-note")
            command = pieces.command_in(offer.missing)
            if command is not None:
                kit.words(say("Run this once in a terminal, then click the button:"), "row-note is-fair")
                kit.copy_line(command, say("Copy the command"))
            elif offer.missing:
                kit.words(say.told(offer.missing), "row-note is-fair")
                return
            with kit.box("form-row"):
                field = self._field(offer, name) if offer.target and not offer.writes else None
                kit.button(say("Add"), self._add(offer, field), "btn-small", "plus", label=f"{say('Add')}: {name}")

    def _field(self, offer: Offer, name: str) -> ui.element:
        example = offer.target
        if offer.is_secret:
            return kit.secret_field(f"{name}: {example}", example, show=self._frame.words("Show what is typed"))
        return kit.text_field(f"{name}: {example}", example, longest=500)

    def _add(self, offer: Offer, field: ui.element | None) -> Callable[[], Awaitable[object]]:
        async def add() -> None:
            say = self._frame.words
            try:
                spec = spec_of(offer, "" if field is None else kit.value_of(field))
            except MienError as error:
                self._frame.complain(error)
                return
            if await add_output(self._frame, spec, offer.use, say("It runs.")) and field is not None:
                kit.empty(field)

        return add


class _Network:
    """The switch for the local network."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        with kit.box("card"):
            kit.words(
                say(
                    "A phone or another computer in your network can open this panel with six digits. It sees what "
                    "others see and can hide you; your own face, files and cameras stay here. The connection is not "
                    "encrypted: open it in networks you trust."
                ),
                "hint",
            )
            with kit.box("form-row"):
                self._knob = kit.switch(say("Let devices of my network in"), self._turn, is_on=frame.panel.lan.is_open)
        frame.follow(self._look)

    async def _turn(self, is_on: bool) -> None:  # noqa: FBT001 - what a switch says
        lan = self._frame.panel.lan
        await self._frame.attempt(lan.open() if is_on else lan.close())

    def _look(self, _status: StatusView | None) -> None:
        kit.put(self._knob, checked=True if self._frame.panel.lan.is_open else None)


def offers_here() -> tuple[Offer, ...]:
    """List every kind of output with what this computer lacks for it: what can be had first, in the order of use."""
    from mien.sinks.registry import SINKS

    found = [_offer(name, plugin) for name, plugin in SINKS.each() if name != NOWHERE]
    uses = list(Scope)
    return tuple(sorted(found, key=lambda one: (bool(one.missing), uses.index(one.use) if one.use else -1, one.name)))


def _from_home(folder: Path) -> str:
    """Say where a folder is as its user would: who looks over the shoulder learns no name."""
    return f"~/{folder.relative_to(Path.home()).as_posix()}" if folder.is_relative_to(Path.home()) else str(folder)


def _offer(name: str, plugin: "SinkPlugin") -> Offer:
    example = plugin.target.strip("[]")
    return Offer(
        name,
        plugin.label or name,
        plugin.help,
        plugin.use,
        f"{name}:{example}" if example.startswith("//") else example,
        plugin.target.startswith("["),
        plugin.conceal is not None,
        plugin.writes_target,
        _missing(plugin),
    )


def _missing(plugin: "SinkPlugin") -> str:
    if plugin.usual is None or plugin.usual.address() is not None:
        return ""
    return plugin.usual.advice() or sentence("It is of no use on this computer as it is now.")


def spec_of(offer: Offer, typed: str) -> str:
    """Write an output as `--sink` takes it.

    Raises:
        MienError: what was typed is none of its targets, or the folder of recordings cannot be made.
    """
    if offer.writes:
        return f"{offer.name}:{new_target(datetime.now().astimezone(), Path(offer.target).suffix)}"
    target = typed.strip()
    if not target and not offer.target:
        return offer.name
    if not target and offer.can_be_left_out:
        return offer.name
    is_address = offer.target.startswith(f"{offer.name}://")
    if is_address and target and "://" not in target:
        target = f"{offer.name}://{target.lstrip('/')}"
    if not target or not (_ADDRESS if "://" in target else _WORD).fullmatch(target):
        raise UsageError(sentence("Type what the field shows as an example: {example}", example=offer.target))
    if target.partition(":")[0].lower() == offer.name and "://" in target:
        return target
    return f"{offer.name}:{target}"
