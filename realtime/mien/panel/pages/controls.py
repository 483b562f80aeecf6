"""The controls of settings, made from what the settings say of themselves."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from nicegui import ui

from mien.panel import kit
from mien.panel.forms import Control, Kind, controls, has_effect
from mien.panel.pages.frame import Frame
from mien.panel.status import SoundView, StatusView
from mien.panel.words import N_, value_said

_STEPS: Final = 100
_HANDS_OFF_S: Final = 1.5
"""After somebody moved a control it is left alone for so long: the session is a moment behind."""
_UNSET: Final = ""
GROUPS: Final[Sequence[tuple[str, str]]] = (
    ("swap", N_("Swap")),
    ("look", N_("Look")),
    ("sound", N_("Sound")),
    ("safety", N_("Safety and label")),
)
_SYSTEM: Final = "default"
_LOWEST_DB: Final = -60.0
"""The meter's left end."""
_STATES: Final = {
    "opening": N_("The microphone is being opened."),
    "away": N_("The microphone is away; it is tried again."),
}


class Form:
    """The controls of one group on a page. Has state: when each was moved last."""

    def __init__(self, frame: Frame, group: str) -> None:
        self._frame = frame
        self._moved_s: dict[str, float] = {}
        self._boxes: list[tuple[Control, ui.element]] = []
        self._updates: list[tuple[Control, Callable[[Any], None]]] = []
        for control in controls(group):
            self._add(control)
        frame.follow(self._look)

    def _add(self, control: Control) -> None:
        say = self._frame.words
        label, help_text = say(control.label), say(control.help)
        with kit.box("control") as box:
            self._boxes.append((control, box))
            if control.name == "microphone":
                self._updates.append((control, Microphone(self._frame, control, self._wish).update))
                return
            match control.kind:
                case Kind.SWITCH:
                    update = self._switch(control, label)
                case Kind.SLIDER:
                    update = self._slider(control, label)
                case Kind.CHOICE:
                    update = self._choice(control, label)
                case _:
                    update = self._several(control, label)
            kit.words(f"{help_text[:1].upper()}{help_text[1:]}.", "control-help")
        self._updates.append((control, update))

    async def _wish(self, name: str, value: Any) -> None:  # noqa: ANN401 - as diverse as settings are
        self._moved_s[name] = time.monotonic()
        await self._frame.wish(name, value)
        self._moved_s[name] = time.monotonic()

    def _switch(self, control: Control, label: str) -> Callable[[Any], None]:
        async def take(is_on: bool) -> None:  # noqa: FBT001 - what a switch says
            await self._wish(control.name, is_on)

        knob = kit.switch(label, take, is_on=bool(self._now(control)))
        return lambda value: kit.put(knob, checked=True if value else None)

    def _slider(self, control: Control, label: str) -> Callable[[Any], None]:
        span = control.high - control.low
        now = self._now(control)
        with kit.box("control-head"):
            kit.words(label, "control-label", "span")
            said = kit.words(self._number(control, now), "control-value", "output")

        async def take(text: str) -> None:
            value = min(max(float(text), control.low), control.high)
            said.set_text(self._number(control, value))
            await self._wish(control.name, round(value) if control.is_whole else round(value, 4))

        bar = kit.slider(
            label,
            take,
            low=control.low,
            high=control.high,
            step=1 if control.is_whole else span / _STEPS,
            value=control.low + span / 2 if now is None else float(now),
        )
        if control.can_be_unset:

            async def unset() -> None:
                await self._wish(control.name, None)

            kit.button(self._frame.words("Back to the usual"), unset, "btn-small")

        def update(value: Any) -> None:  # noqa: ANN401
            said.set_text(self._number(control, value))
            if value is not None:
                kit.put(bar, value=float(value))

        return update

    def _choice(self, control: Control, label: str) -> Callable[[Any], None]:
        say = self._frame.words
        choices = {one: value_said(say, control.name, one) for one in control.choices}
        if control.can_be_unset:
            choices = {_UNSET: say("As the system says"), **choices}
        now = self._now(control)
        if str(now or _UNSET) not in choices:
            choices[str(now or _UNSET)] = str(now or "")
        kit.words(label, "control-label", "span")

        async def take(value: str) -> None:
            await self._wish(control.name, value or None)

        box = kit.choice(label, choices, take, value=str(now or _UNSET))
        return lambda value: kit.put(box, value=str(value or _UNSET))

    def _several(self, control: Control, label: str) -> Callable[[Any], None]:
        say = self._frame.words
        chips: dict[str, ui.element] = {}
        kit.words(label, "control-label", "span")

        def toggled(one: str) -> Callable[[], Any]:
            async def toggle() -> None:
                chosen: list[str] = [str(name) for name in self._now(control) or ()]
                others = [name for name in chosen if name not in {one, "none"}]
                wanted = others if one in chosen else ["none"] if one == "none" else [*others, one]
                await self._wish(control.name, wanted or ["none"])

            return toggle

        with kit.box("chips", role="group", aria_label=label):
            for one in control.choices:
                chips[one] = kit.button(value_said(say, control.name, one), toggled(one), "chip")

        def update(value: Any) -> None:  # noqa: ANN401
            for one, chip in chips.items():
                kit.put(chip, aria_pressed="true" if one in (value or []) else "false")

        update(self._now(control))
        return update

    def _now(self, control: Control) -> Any:  # noqa: ANN401
        status = self._frame.panel.link.status
        return None if status is None else status.value(control.name)

    def _number(self, control: Control, value: Any) -> str:  # noqa: ANN401
        if value is None:
            return self._frame.words("usual")
        if control.is_whole:
            return f"{round(float(value))}×" if control.unit == "times" else str(round(float(value)))
        return f"{float(value):.0%}"

    def _look(self, status: StatusView | None) -> None:
        if status is None:
            return
        for control, box in self._boxes:
            kit.show(box, is_shown=has_effect(control, str(status.value("swapper"))))
        now_s = time.monotonic()
        for control, update in self._updates:
            if now_s - self._moved_s.get(control.name, float("-inf")) > _HANDS_OFF_S:
                update(status.value(control.name))


Take = Callable[[str, Any], Any]


class Microphone:
    """The control of the setting, with the microphones that are plugged in. Has state: which of them it shows."""

    def __init__(self, frame: Frame, control: Control, take: Take) -> None:
        self._frame, self._control = frame, control
        label = frame.words(control.label)
        kit.words(label, "control-label", "span")

        async def chosen(value: str) -> None:
            await take(control.name, value)

        self._box = kit.choice(label, self._choices(_SYSTEM), chosen, value=_SYSTEM)
        self._shown: dict[str, str] = {}
        self._hint = kit.words("", "control-help is-fair")
        self._meter()
        frame.follow(self._look)
        with frame.timers():
            ui.timer(0, frame.panel.microphones.look, once=True)

    def update(self, value: Any) -> None:  # noqa: ANN401 - as diverse as settings are
        """Show what is in force."""
        now = str(value or _SYSTEM)
        choices = self._choices(now)
        if choices != self._shown:
            self._shown = choices
            kit.choose_among(self._box, choices, now)
        kit.put(self._box, value=now)

    def _choices(self, now: str) -> dict[str, str]:
        say, names = self._frame.words, self._frame.panel.microphones.names
        known = {one: value_said(say, "microphone", one) for one in self._control.choices}
        return {**known, **{name: name for name in names}, **({} if now in known or now in names else {now: now})}

    def _meter(self) -> None:
        with kit.box("meter"):
            self._bar = kit.box(
                "meter-bar",
                role="meter",
                aria_label=self._frame.words("How loud it is"),
                aria_valuemin=round(_LOWEST_DB),
                aria_valuemax=0,
                aria_valuenow=round(_LOWEST_DB),
            )
            self._said = kit.words("", "control-help")

    def _look(self, status: StatusView | None) -> None:
        say = self._frame.words
        self._hint.set_text(say.told(self._frame.panel.microphones.trouble))
        sound = None if status is None else status.sound
        peak_db = _LOWEST_DB if sound is None else max(sound.level.peak_db, _LOWEST_DB)
        kit.put(self._bar, aria_valuenow=round(peak_db))
        self._bar.style(replace=f"--part: {1 - peak_db / _LOWEST_DB:.3f}")
        self._said.set_text(self._said_of(sound))

    def _said_of(self, sound: SoundView | None) -> str:
        say = self._frame.words
        if sound is None:
            return say("It is opened as soon as something records or streams.")
        if sound.state in _STATES:
            return say(_STATES[sound.state])
        return f"{sound.description} · {say('muted')}" if sound.is_muted else sound.description
