"""The outputs: what runs, how each is doing, what else there is and how to get it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from nicegui import ui

from mien.panel import kit
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.recording import new_target, recordings_folder
from mien.panel.said import N_, value_said
from mien.panel.status import SinkView, StatusView
from mien.session.recordings import RecordAction
from mien.sinks.registry import SinkPlugin
from mien_models.errors import MienError

_NOWHERE: Final = "null"
_TARGET: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]{1,500}|\d{1,5}|[\w .()-]{0,60}", re.IGNORECASE)
"""Addresses, ports, names of devices; never a path."""
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
    help: str
    target: str
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
                note.set_text(self._health(sink))
                kit.state_class(note, "is-", _STATES.get(sink.state, ("is-fair", ""))[0].removeprefix("is-") or "none")

    def _row(self, spec: str, description: str) -> kit.Words:
        say = self._frame.words
        with kit.box("row-card"):
            with kit.box("row-text"):
                kit.words(say("Nobody: the picture is only seen here") if spec == _NOWHERE else description, "row-name")
                note = kit.words("", "row-note")
            if spec.startswith("file:") and self._frame.is_own:
                kit.button(say("New file"), self._split, "btn-small", "plus", label=f"{say('New file')}: {description}")
            kit.button(say("Stop"), self._remove(spec), "btn-small", "minus", label=f"{say('Stop')}: {description}")
        return note

    def _health(self, sink: SinkView) -> str:
        say = self._frame.words
        if sink.why:
            return sink.why
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
            status = self._frame.panel.link.status
            if status is not None:
                await self._frame.change({"sinks": [one for one in status.outputs if one != spec] or [_NOWHERE]})

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
        name = value_said(say, "sinks", offer.name)
        with kit.box("card", "section", aria_label=name):
            kit.words(name, "", "h3")
            kit.words(f"{say(offer.help)[:1].upper()}{say(offer.help)[1:]}.", "hint")
            if offer.missing:
                command = pieces.command_in(offer.missing)
                words = say("Run this once in a terminal, then click the button:") if command else offer.missing
                kit.words(words, "row-note is-fair")
                if command is not None:
                    kit.copy_line(command, say("Copy the command"))
            if offer.writes:
                kit.words(say("Goes to {folder}", folder=str(recordings_folder())), "row-note")
            with kit.box("form-row"):
                field = None
                if offer.target and not offer.writes:
                    field = kit.text_field(f"{name}: {offer.target}", offer.target, longest=500)
                kit.button(say("Add"), self._add(offer, field), "btn-small", "plus", label=f"{say('Add')}: {name}")

    def _add(self, offer: Offer, field: ui.element | None) -> Callable[[], Awaitable[object]]:
        async def add() -> None:
            say = self._frame.words
            status = self._frame.panel.link.status
            if status is None:
                self._frame.toast(say("No session runs. Start one on the start page."), "bad")
                return
            target = "" if field is None else kit.value_of(field)
            if _TARGET.fullmatch(target) is None:
                self._frame.toast(say("Give an address, a port or a device's name; files are named by Mien."), "bad")
                return
            try:
                spec = _spec(offer, target)
            except MienError as error:
                self._frame.toast(str(error), "bad")
                return
            others = [one for one in status.outputs if one not in {_NOWHERE, spec}]
            await self._frame.change({"sinks": [*others, spec]}, say("It runs."))

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
    """List every kind of output with what this computer lacks for it."""
    from mien.sinks.registry import SINKS

    found: list[Offer] = []
    for name, plugin in SINKS.each():
        if name != _NOWHERE:
            target = plugin.target.strip("[]")
            found.append(Offer(name, plugin.help, target, plugin.writes_target, _missing(plugin)))
    return tuple(sorted(found, key=lambda one: one.name))


def _missing(plugin: SinkPlugin) -> str:
    if plugin.usual is None or plugin.usual.address() is not None:
        return ""
    return plugin.usual.advice() or "It is of no use on this computer as it is now."


def _spec(offer: Offer, target: str) -> str:
    if offer.writes:
        return f"{offer.name}:{new_target(datetime.now().astimezone(), Path(offer.target).suffix)}"
    if "://" in target and target.partition(":")[0].lower() == offer.name:
        return target
    return f"{offer.name}:{target}" if target else offer.name
