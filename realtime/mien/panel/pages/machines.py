"""The swap on another machine: which ones there are, pairing, where it runs now and how the line does."""

from typing import Final

from nicegui import ui

from mien.panel import kit
from mien.panel.other_machines import Listed
from mien.panel.pages import pieces
from mien.panel.pages.controls import Form
from mien.panel.pages.frame import Frame
from mien.panel.status import RemoteView, StatusView
from mien.panel.words import N_
from mien_models.errors import MienError

_STATES: Final = {
    "connecting": N_("It is being connected."),
    "away": N_("It does not answer; it is tried again and again."),
    "refused": N_("It answers, and does not want to."),
}
_EXAMPLE: Final = "K7QX-M2PD-94TR"
_LONGEST_CODE: Final = 2000
"""A pass is given in its place, too."""


def machines_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(
        say("Swap on another machine"),
        say("A computer with a strong card swaps for this one. Start it there with: mien serve"),
    )
    with kit.box("rows"):
        _Now(frame)
        _Line(frame)
        Form(frame, "remote")
    kit.words(say("Machines"), "section-title", "h2")
    with kit.box("rows"):
        _List(frame)


class _Now:
    """Where it runs, and the way back."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with kit.box("row-card"):
            with kit.box("row-text", role="status", aria_live="polite"):
                self._where = kit.words("", "row-name", "strong")
                self._how = kit.words("", "row-note", "span")
            self._back = kit.button(frame.words("Swap here again"), self._press, "btn-small", "undo")
        frame.follow(self._look)

    async def _press(self) -> None:
        await self._frame.change({"remote": None}, self._frame.words("Done. It takes a moment until it shows."))

    def _look(self, status: StatusView | None) -> None:
        say = self._frame.words
        remote = None if status is None else status.remote
        wanted = None if status is None else status.value("remote")
        kit.show(self._back, is_shown=bool(wanted))
        if status is None:
            self._put(say("Nothing runs yet."), "")
        elif remote is None:
            self._put(say("This machine swaps."), "")
        elif remote.is_taken_over:
            self._put(say("This machine swaps until {machine} is there.", machine=remote.machine), self._why(remote))
        else:
            self._put(remote.machine, self._why(remote))

    def _why(self, remote: RemoteView) -> str:
        say = self._frame.words
        if remote.state == "ready":
            return say("It answers. Seats taken there: {seats}", seats=remote.seats or "–")
        state = say(_STATES[remote.state]) if remote.state in _STATES else ""
        return state if remote.state == "connecting" else f"{state} {say.told(remote.why)}".strip()

    def _put(self, where: str, how: str) -> None:
        self._where.set_text(where)
        self._how.set_text(how)


class _Line:
    """How the line does, and where a picture's time goes; out of sight where this machine swaps."""

    def __init__(self, frame: Frame) -> None:
        say = frame.words
        self._frame = frame
        with kit.box() as self._box:
            with kit.box("figures"):
                self._rtt = pieces.figure(say("ms there and back"))
                self._loss = pieces.figure(say("percent lost on the way"))
                self._away = pieces.figure(say("ms until a picture is back"))
            self._parts = kit.words("", "control-help")
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        remote = None if status is None else status.remote
        kit.show(self._box, is_shown=remote is not None)
        if remote is None:
            return
        self._rtt.set_text(_number(remote.rtt_ms))
        self._loss.set_text("–" if remote.loss is None else f"{remote.loss * 100:.1f}")
        self._away.set_text(_number(remote.back_ms))
        self._parts.set_text(
            self._frame.words(
                "{codec}, {size}. Encoding {here} and {there} ms, decoding {back} and {decoded} ms, waiting {wait} ms, "
                "swapping {swap} ms.",
                codec=remote.codec or "–",
                size="×".join(map(str, remote.sent_size or ())) or "–",
                here=_number(remote.encode_ms),
                there=_number(remote.there_encode_ms),
                back=_number(remote.decode_ms),
                decoded=_number(remote.there_decode_ms),
                wait=_number(remote.there_wait_ms),
                swap=_number(remote.there_swap_ms),
            )
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


class _List:
    """The machines, each with what can be done; and one by its address. Has state: what is typed for which."""

    def __init__(self, frame: Frame) -> None:
        say = frame.words
        self._frame, self._machines = frame, frame.panel.machines
        self._grid = pieces.Grid("rows")
        with kit.box("row-card"):
            kit.words(say("Address of a machine"), "control-help")
            self._address = kit.text_field(say("Address of a machine"), "192.168.1.20:7420", longest=120)
            kit.words(say("Pairing code"), "control-help")
            self._code = kit.text_field(say("Pairing code"), _EXAMPLE, longest=_LONGEST_CODE)
            kit.button(say("Swap there"), self._by_address, "btn-small btn-main")
        kit.button(say("Look again"), self._again, "btn-small", "again")
        frame.follow(self._look)
        with frame.timers():
            ui.timer(0, self._machines.look, once=True)

    async def _again(self) -> None:
        await self._machines.look(again=True)

    async def _by_address(self) -> None:
        await self._use(kit.value_of(self._address), kit.value_of(self._code))

    async def _use(self, address: str, code: str) -> None:
        """Pair where there is a code, then swap there."""
        say = self._frame.words
        try:
            if code:
                address = await self._machines.pair(address, code)
            elif not self._machines.is_known(address):
                self._frame.toast(say("Type the pairing code that 'mien serve' shows there."), "bad")
                return
        except MienError as error:
            self._frame.complain(error)
            return
        await self._frame.change({"remote": address}, say("Done. It takes a moment until it shows."))

    def _look(self, status: StatusView | None) -> None:
        now = None if status is None else status.value("remote")
        if self._grid.is_new([self._machines.listed, self._machines.has_looked, now]):
            with self._grid.box:
                if not self._machines.listed:
                    text = N_("No machine was found in this network.") if self._machines.has_looked else N_("Looking…")
                    kit.words(self._frame.words(text), "empty")
                for one in self._machines.listed:
                    self._row(one, is_used=str(now) == one.address)

    def _row(self, one: Listed, *, is_used: bool) -> None:
        say = self._frame.words
        notes = [one.address, say("paired") if one.is_paired else say("not paired yet")]
        notes += [say("in this network")] if one.is_near else []
        note = " · ".join(notes)
        with kit.box("row-card"):
            with kit.box("row-text"):
                kit.words(one.name, "row-name", "strong")
                kit.words(note, "row-note", "span")
            field = None if one.is_paired else kit.text_field(say("Pairing code"), _EXAMPLE, longest=_LONGEST_CODE)

            async def use() -> None:
                await self._use(one.address, "" if field is None else kit.value_of(field))

            if is_used:
                kit.words(say("in use"), "row-note", "span")
            else:
                kit.button(say("Swap there"), use, "btn-small btn-main", label=f"{say('Swap there')}: {one.name}")
