"""The numbers: how late, how many, what each stage takes, and what would help."""

from collections.abc import Callable, Mapping
from typing import Final

from nicegui import ui

from mien.panel import kit
from mien.panel.advice import Advice, advice_on
from mien.panel.pages import pieces
from mien.panel.pages.frame import Frame
from mien.panel.status import StatusView
from mien.panel.trend import Sample, line_chart
from mien.panel.words import STAGES, stage_said, value_said

_DRAWN_EVERY: Final = 4
"""Looks: once a second."""
_PLACES: Final = ("is-first", "is-second")
Value = Callable[[Sample], float | None]


def numbers_page(frame: Frame) -> None:
    """Fill the page."""
    say = frame.words
    frame.title(say("Numbers"), say("The last two minutes. Every picture is dated when the camera takes it."))
    _Warnings(frame)
    with kit.box("charts"):
        _Chart(frame, say("Behind you"), "ms", {say("half of the pictures"): _age, say("95 of 100"): _age_p95})
        _Chart(frame, say("Pictures a second"), "/s", {say("sent"): _out, say("from the camera"): _in})
        _Chart(frame, say("Left out"), "", {say("pictures that a newer one overtook, in all"): _dropped})
    kit.words(say("What each picture takes"), "section-title", "h2")
    _Stages(frame)
    kit.words(say("Where the networks run"), "section-title", "h2")
    _Networks(frame)


def _age(sample: Sample) -> float | None:
    return sample.age_ms


def _age_p95(sample: Sample) -> float | None:
    return sample.age_p95_ms


def _in(sample: Sample) -> float | None:
    return sample.fps_in


def _out(sample: Sample) -> float | None:
    return sample.fps_out


def _dropped(sample: Sample) -> float | None:
    return float(sample.dropped)


class _Chart:
    """One small chart with its newest value. Has state: when it was drawn last."""

    def __init__(self, frame: Frame, name: str, unit: str, lines: Mapping[str, Value]) -> None:
        self._frame, self._unit, self._values = frame, unit, tuple(lines.values())
        self._looks = 0
        with kit.box("card chart"):
            with kit.box("chart-head"):
                kit.words(name, "chart-name", "h3")
                self._number = kit.words("–", "chart-value", "span")
            self._line = ui.html(line_chart([]), sanitize=False).classes("chart-line")
            with kit.box("chart-note"):
                for place, line in zip(_PLACES, lines, strict=False):
                    kit.words(line, place, "span")
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        self._looks += 1
        if self._looks % _DRAWN_EVERY != 1:
            return
        samples = self._frame.panel.trend.samples if status is not None else ()
        rows = [[value(sample) for sample in samples] for value in self._values]
        newest = rows[0][-1] if rows[0] else None
        self._number.set_text("–" if newest is None else f"{newest:.0f} {self._unit}".strip())
        self._line.set_content(line_chart(rows))


class _Stages:
    """A chart for each stage, the dearest scale for all of them. Has state: which there are."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("charts")
        self._charts: dict[str, tuple[kit.Words, ui.html]] = {}
        self._looks = 0
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        self._looks += 1
        if self._looks % _DRAWN_EVERY != 1:
            return
        now = {} if status is None else dict(status.run.recent_stages_ms)
        names = [*(name for name in STAGES if name in now), *(name for name in now if name not in STAGES)]
        if self._grid.is_new(names):
            with self._grid.box:
                self._charts = {name: self._chart(name) for name in names}
        samples = self._frame.panel.trend.samples
        top = max([value for one in samples for value in one.stages_ms.values()], default=1.0)
        for name, (number, line) in self._charts.items():
            row = [one.stages_ms.get(name) for one in samples]
            number.set_text(f"{now[name]:.1f} ms")
            line.set_content(line_chart([row], top=max(top, 1.0) * 1.1))

    def _chart(self, name: str) -> tuple[kit.Words, ui.html]:
        with kit.box("card chart"):
            with kit.box("chart-head"):
                kit.words(stage_said(self._frame.words, name), "chart-name", "h3")
                number = kit.words("–", "chart-value", "span")
            line = ui.html(line_chart([]), sanitize=False).classes("chart-line")
        return number, line


class _Networks:
    """Which processor or card each network really runs on."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("rows")
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        networks = {} if status is None else dict(status.networks)
        if self._grid.is_new([networks]):
            say = self._frame.words
            with self._grid.box:
                if not networks:
                    kit.words(say("No network runs yet."), "empty")
                for network, provider in networks.items():
                    with kit.box("row-card"), kit.box("row-text"):
                        kit.words(network, "row-name", "strong")
                        kit.words(value_said(say, "provider", provider), "row-note", "span")


class _Warnings:
    """What is slow, with what would help and a button that does it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._grid = pieces.Grid("warnings")
        frame.follow(self._look)

    def _look(self, status: StatusView | None) -> None:
        found = () if status is None else advice_on(status)
        if self._grid.is_new([(one.text, one.button) for one in found]):
            with self._grid.box:
                for one in found:
                    self._warn(one)

    def _warn(self, one: Advice) -> None:
        say = self._frame.words
        fields = {name: ", ".join(say(say.told(text)) for text in texts) for name, texts in one.fields.items()}

        async def do() -> None:
            await self._frame.change(one.values or {}, say("Done. It takes a moment until it shows."))

        with kit.box("warning", role="alert"):
            kit.icon("warn")
            with kit.box("warning-text"):
                kit.words(say(one.text, **fields), "", "strong")
                kit.words(say(one.help), "", "span")
                if one.button and one.values is not None:
                    kit.button(say(one.button), do, "btn-small")
