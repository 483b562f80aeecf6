"""What every page has around it: the way to the others, the state in words and colour, the panic button."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

from nicegui import ui
from pydantic import JsonValue

from mien.panel import kit
from mien.panel.panel import Panel
from mien.panel.status import StatusView
from mien.panel.words import LANGUAGES, N_, REASONS, STATES, THEMES, Words
from mien.session.messages import RefusedReply
from mien_models.errors import MienError

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 0.25
WAY: Final = (
    ("/start", "start", N_("Start")),
    ("/live", "live", N_("Live")),
    ("/people", "people", N_("People")),
    ("/numbers", "numbers", N_("Numbers")),
    ("/outputs", "outputs", N_("Outputs")),
    ("/presets", "presets", N_("Presets")),
    ("/faces", "faces", N_("Faces")),
    ("/models", "models", N_("Models")),
    ("/machines", "wifi", N_("Machines")),
)
_THEMES: Final = {"dark": N_("Dark"), "light": N_("Light"), "system": N_("As the system")}
_DAYLIGHT: Final = {"dark": "not all", "light": "all", "system": "(prefers-color-scheme: light)"}
"""When the colours of daylight count, as CSS asks."""
FOR_GUESTS: Final = frozenset({"/live", "/numbers", "/presets"})
"""Pages that show neither the real face nor the computer's files and devices."""
Look = Callable[[StatusView | None], None]
_HEAD: Final = """<script>
Object.assign(document.documentElement, {{lang: "{language}"}}).dataset.theme = "{theme}"
</script>
<link rel="stylesheet" href="/assets/panel.css"><link rel="stylesheet" href="/assets/icons.css">
<link rel="stylesheet" href="/assets/light.css" media="{daylight}">
<script src="/assets/panel.js" defer></script><script src="/assets/preview.js" defer></script>"""


class Frame:
    """One page in one browser, to be filled between enter and exit. Has state: what it shows of the session."""

    def __init__(self, panel: Panel, words: Words, path: str, theme: str, *, is_own: bool) -> None:
        self.panel, self.words, self.path, self.theme, self.is_own = panel, words, path, theme, is_own
        self._looks: list[Look] = []
        self._wanted: dict[str, JsonValue] = {}
        self._is_changing = False
        self._asked: asyncio.Future[bool] | None = None
        self._content = ui.element()

    def __enter__(self) -> Self:
        """Put the frame up."""
        say = self.words
        ui.add_head_html(_HEAD.format(language=say.language, theme=self.theme, daylight=_DAYLIGHT[self.theme]))
        ui.page_title(f"{next(say(text) for path, _, text in WAY if path == self.path)} · Mien")
        self._content.classes("shell")
        with self._content:
            kit.link(say("Skip to the page"), "#page", "skip")
            self._way()
            with kit.box("stage"):
                self._state_bar()
                self._away_bar()
                self._lan_bar()
                self._ask = kit.box("askbar", role="alertdialog", aria_label=say("A question"))
                kit.show(self._ask, is_shown=False)
                page = kit.box("page", id="page", tabindex="-1")
                with kit.box("foot"):
                    self._preferences()
            kit.box("toasts", role="status", aria_live="polite", id="toasts")
        page.__enter__()
        self._page = page
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin to follow the session."""
        self._page.__exit__(kind, error, trace)
        if kind is None:
            with self._content:
                ui.timer(_LOOK_S, self._look)

    def follow(self, look: Look) -> None:
        """Call this about four times a second with the session's status; None while there is none."""
        self._looks.append(look)

    def title(self, text: str, hint: str = "") -> None:
        """Put the page's heading up."""
        with kit.box("title", "header"):
            kit.words(text, tag="h1")
            if hint:
                kit.words(hint, "hint")

    def timers(self) -> ui.element:
        """Give what timers of the page belong to: `with frame.timers(): ui.timer(...)`."""
        return self._content

    def toast(self, text: str, kind: str = "good") -> None:
        """Say something for a few seconds."""
        self._content.client.run_javascript(f"mienToast({json.dumps(text)}, {json.dumps(kind)})")

    def complain(self, error: MienError) -> None:
        """Say what went wrong."""
        self.toast(self.words.told(str(error)), "bad")

    async def ask(self, question: str, yes: str) -> bool:
        """Ask something that has to be answered first; another question is a no to this one."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(False)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked = answer

        def answered(*, is_yes: bool) -> kit.Act:
            async def give() -> None:
                if not answer.done():
                    answer.set_result(is_yes)

            return give

        self._ask.clear()
        with self._ask:
            kit.words(question, "ask-words")
            kit.put(kit.button(yes, answered(is_yes=True), "btn-main"), data_yes="")
            kit.button(self.words("No"), answered(is_yes=False))
        kit.show(self._ask, is_shown=True)
        self._content.client.run_javascript("document.querySelector('[data-yes]')?.focus()")
        try:
            return bool(await answer)
        finally:
            if self._asked is answer:
                kit.show(self._ask, is_shown=False)

    async def attempt(self, act: Awaitable[object], done: str = "") -> bool:
        """Do something that may fail: say why, or that it is done."""
        try:
            await act
        except MienError as error:
            self.complain(error)
            return False
        if done:
            self.toast(done)
        return True

    async def change(self, values: Mapping[str, JsonValue], done: str = "") -> bool:
        """Ask for other settings; say why where they are refused."""
        try:
            reply = await self.panel.change(values)
        except MienError as error:
            self.complain(error)
            return False
        if isinstance(reply, RefusedReply):
            self.toast(" ".join(dict.fromkeys(map(self.words.told, reply.reasons.values()))), "bad")
            return False
        if done:
            self.toast(done)
        return True

    async def wish(self, name: str, value: JsonValue) -> None:
        """Ask for one setting that is being moved: while a change is under way, only the newest values wait."""
        self._wanted[name] = value
        if self._is_changing:
            return
        self._is_changing = True
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                await self.change(wanted)
        finally:
            self._is_changing = False

    def _way(self) -> None:
        say = self.words
        with kit.box("way", "nav", aria_label=say("Pages")):
            kit.words("Mien", "brand", "span")
            for path, sign, text in WAY:
                if self.is_own or path in FOR_GUESTS:
                    one = kit.link(say(text), path, "way-one", sign)
                    kit.put(one, aria_current="page" if path == self.path else None, title=say(text))
            with kit.box("way-end"):
                self._preferences()

    def _preferences(self) -> None:
        """Let the language and the colours be chosen; beside the pages, or below them where it is narrow."""
        say = self.words
        self._preference(say("Language"), "language", LANGUAGES, say.language)
        themes = {name: say(_THEMES[name]) for name in THEMES}
        self._preference(say("Colours"), "theme", themes, self.theme)

    def _preference(self, label: str, what: str, choices: Mapping[str, str], now: str) -> None:
        chooser = kit.box("select select-bare", "select", aria_label=label)
        with chooser:
            for key, text in choices.items():
                kit.put(kit.words(text, tag="option"), value=key, selected=True if key == now else None)
        # Replaced, not added: the way back is to the page before and not to this one in another language.
        address = f"'/{what}/' + e.target.value + '?page={self.path}'"
        chooser.on("change", js_handler=f"(e) => location.replace({address})")

    def _away_bar(self) -> None:
        """Say that the panel does not answer; the browser shows and hides it, since nobody else could."""
        with kit.box("awaybar", role="alert", data_away="", hidden=True):
            kit.icon("warn")
            kit.words(
                self.words(
                    "The panel does not answer: what you see here is old. Your stream goes on without it. "
                    "Start it again with: mien"
                ),
                "",
                "span",
            )

    def _state_bar(self) -> None:
        say = self.words
        self._bar = kit.box("statebar is-none")
        with self._bar:
            with kit.box("state", role="status", aria_live="polite"):
                kit.box("dot", "span", aria_hidden="true")
                self._state = kit.words(say(STATES["none"]), "state-word", "strong")
                self._why = kit.words(say(REASONS["none"]), "state-why", "span")
            self._panic = kit.button("", self._press_panic, "btn-panic", "hide")
            kit.put(self._panic, data_panic="", aria_keyshortcuts="Space", title=say("Space or P"))
            with self._panic:
                self._panic_words = kit.words(say("Hide me"), tag="span")

    def _lan_bar(self) -> None:
        self._lan = kit.box("lanbar")
        with self._lan:
            kit.icon("wifi")
            self._lan_words = kit.words("", "", "span")
            if self.is_own:
                kit.button(self.words("Close to the network"), self._close_lan, "btn-small")
        kit.show(self._lan, is_shown=False)

    async def _close_lan(self) -> None:
        await self.panel.lan.close()

    async def _press_panic(self) -> None:
        status = self.panel.link.status
        is_on = not (status is not None and status.is_private)
        await self.attempt(self.panel.link.ask(lambda client: client.set_privacy(on=is_on)))

    def _look(self) -> None:
        status = self.panel.link.status
        self._show_state(status)
        self._show_lan()
        for look in tuple(self._looks):
            try:
                look(status)
            except Exception:  # noqa: BLE001 - the edge of a part of a page: the others go on
                # What cannot be shown stays as it is; the state and the panic button go on.
                self._looks.remove(look)
                _LOG.exception("a part of the page %s can no longer be shown", self.path)

    def _show_state(self, status: StatusView | None) -> None:
        say = self.words
        state, reason = state_of(self.panel, status)
        kit.state_class(self._bar, "is-", state)
        self._state.set_text(say(STATES[state]))
        self._why.set_text(say(REASONS[reason]) if reason in REASONS else say.told(reason))
        is_private = status is not None and status.is_private
        self._panic_words.set_text(say("Show again") if is_private else say("Hide me"))
        kit.put(self._panic, aria_pressed="true" if is_private else "false", disabled=True if status is None else None)

    def _show_lan(self) -> None:
        lan = self.panel.lan
        kit.show(self._lan, is_shown=lan.is_open)
        if lan.is_open and self.is_own:
            text = self.words(
                "Open to your network: {address} with the code {code}. Devices in: {number}.",
                address=" ".join(lan.addresses),
                code=self.panel.guests.code or "",
                number=self.panel.guests.guests,
            )
        else:
            text = self.words("You are a guest from the network; the computer's own face and files are not shown.")
        self._lan_words.set_text(text)


def state_of(panel: Panel, status: StatusView | None) -> tuple[str, str]:
    """Name the state that is shown, and the key of its reason, or a sentence of the session's own."""
    if status is None:
        failure = panel.launcher.failure()
        if failure is not None:
            return "fault", failure
        if panel.link.trouble and not panel.launcher.is_starting:
            return "fault", panel.link.trouble
        return ("starting", "starting") if panel.launcher.is_starting else ("none", "none")
    run = status.run
    if run.is_frozen and not status.is_private:
        return "frozen", "frozen"
    if run.cause == "starting":
        return "starting", "starting"
    return run.state, run.cause or run.state
