"""The microphone: which one, and how loud it is now."""

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from mien.panel import kit
from mien.panel.forms import Control
from mien.panel.pages.frame import Frame
from mien.panel.said import N_, value_said
from mien.panel.status import SoundView, StatusView

_SYSTEM: Final = "default"
_LOWEST_DB: Final = -60.0
"""The meter's left end."""
_STATES: Final = {
    "opening": N_("The microphone is being opened."),
    "away": N_("The microphone is away; it is tried again."),
}
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
