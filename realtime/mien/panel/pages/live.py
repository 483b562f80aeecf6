"""The live page: what others see, the faces, every live setting, and the buttons for the moment."""

import time
from datetime import datetime

from nicegui import ui

from mien.consent.terms import Scope
from mien.panel import kit
from mien.panel.pages import pieces
from mien.panel.pages.controls import GROUPS, Form
from mien.panel.pages.frame import Frame
from mien.panel.pages.pieces import add_output, remove_output
from mien.panel.status import StatusView
from mien.session.recordings import new_recording
from mien_models.errors import MienError


def live_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    with kit.box("live"):
        with kit.box("live-view"):
            kit.words(say("Live"), "visually-hidden", "h1")
            pieces.preview(frame, has_compare=True)
            pieces.StartButton(frame)
            _Buttons(frame)
            _Figures(frame)
        with kit.box("live-side"):
            with kit.box("card", "section", aria_label=say("Faces")):
                with kit.box("card-head"):
                    kit.words(say("Faces"), tag="h2")
                    if frame.is_own:
                        kit.link(say("Add"), "/start", "btn btn-small", "plus")
                pieces.FaceTiles(frame)
            if frame.is_own:
                _Undo(frame)
            # Guests may change how the face looks, not what is shown in its place: that can be the real face.
            groups = [one for one in GROUPS if frame.is_own or one[0] != "safety"]
            for number, (group, title) in enumerate(groups):
                with kit.box("card group", "details", open=True if number == 0 else None):
                    kit.words(say(title), "group-title", "summary")
                    Form(frame, group)


class _Buttons:
    """Record, freeze, reveal, compare."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        say = frame.words
        self._revealing_s = 0.0
        with kit.box("buttons", role="group", aria_label=say("At this moment")):
            if frame.is_own:
                self._record = kit.button(say("Record"), self._press_record, "btn-round btn-record", "record")
            self._freeze = kit.button(say("Freeze"), self._press_freeze, "btn-round", "freeze")
            if frame.is_own:
                kit.button(say("My real face"), self._press_reveal, "btn-round", "reveal")
                hold = kit.button(say("Compare"), None, "btn-round", "compare")
                kit.put(
                    hold, data_hold="", aria_keyshortcuts="O", title=say("Hold it, or the key O, to see your camera")
                )
                split = kit.button(say("Split"), None, "btn-round", "split")
                kit.put(split, data_split_toggle="", aria_pressed="false")
        frame.follow(self._look)

    async def _press_record(self) -> None:
        status = self._frame.panel.link.status
        if status is None:
            return
        running = status.recording
        if running is not None:
            await remove_output(self._frame, running, self._frame.words("Saved: {file}", file=running[5:]))
            return
        try:
            spec = new_recording(datetime.now().astimezone())
        except MienError as error:
            self._frame.complain(error)
            return
        await add_output(self._frame, spec, Scope.RECORDING, self._frame.words("Recording."))

    async def _press_freeze(self) -> None:
        status = self._frame.panel.link.status
        wanted = not (status is not None and status.run.is_frozen)
        try:
            is_held = await self._frame.panel.link.ask(lambda client: client.freeze(on=wanted))
        except MienError as error:
            self._frame.complain(error)
            return
        if wanted and not is_held:
            self._frame.toast(self._frame.words("There is no swapped picture to hold right now."), "bad")

    async def _press_reveal(self) -> None:
        say = self._frame.words
        if time.monotonic() - self._revealing_s > 4:
            self._revealing_s = time.monotonic()
            self._frame.toast(say("Everybody will see your real face for three seconds. Press again to do it."), "ask")
            return
        self._revealing_s = 0.0
        try:
            is_shown = await self._frame.panel.link.ask(lambda client: client.reveal())
        except MienError as error:
            self._frame.complain(error)
            return
        if not is_shown:
            self._frame.toast(
                say("It cannot be shown now: you are hidden, it is frozen, or something is wrong."), "bad"
            )

    def _look(self, status: StatusView | None) -> None:
        say = self._frame.words
        if self._frame.is_own:
            is_recording = status is not None and status.recording is not None
            kit.put(self._record, aria_pressed="true" if is_recording else "false")
            _set_words(self._record, say("Stop recording") if is_recording else say("Record"))
        is_frozen = status is not None and status.run.is_frozen
        kit.put(self._freeze, aria_pressed="true" if is_frozen else "false")
        _set_words(self._freeze, say("Go on") if is_frozen else say("Freeze"))


class _Figures:
    """The three numbers that matter while live."""

    def __init__(self, frame: Frame) -> None:
        say = frame.words
        with kit.box("figures"):
            self._rate = pieces.figure(say("frames a second"))
            self._age = pieces.figure(say("milliseconds behind you"))
            self._faces = pieces.figure(say("faces in sight"))
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        run = None if status is None else status.run
        self._rate.set_text("–" if run is None or run.fps_out is None else f"{run.fps_out:.0f}")
        self._age.set_text("–" if run is None or run.recent_age_ms is None else f"{run.recent_age_ms:.0f}")
        self._faces.set_text("–" if run is None else str(run.faces))


class _Undo:
    """Takes the last change back."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._button = kit.button(frame.words("Take back the last change"), self._press, "btn-wide", "undo")
        frame.follow(self._look)

    async def _press(self) -> None:
        values = self._frame.panel.history.take_back()
        if values is not None:
            await self._frame.attempt(self._frame.panel.change(values, is_undo=True), self._frame.words("Taken back."))

    def _look(self, _status: StatusView | None) -> None:
        kit.put(self._button, disabled=True if self._frame.panel.history.is_empty else None)


def _set_words(button: ui.element, text: str) -> None:
    for child in button.default_slot.children:
        if isinstance(child, kit.Words):
            child.set_text(text)
