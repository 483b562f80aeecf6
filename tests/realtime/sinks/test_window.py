"""The window, on SDL's dummy display."""

from fractions import Fraction

import numpy as np
import pygame
import pytest

from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.window import WindowSink
from mien_models.errors import SinkClosedError, SinkError

FORMAT = OutputFormat(64, 36, Fraction(30))
RED = OutputFrame(ReleasedPicture.unswapped(np.full((36, 64, 3), (0, 0, 255), np.uint8)), 0, 0, State.LIVE)


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def test_the_picture_fills_the_window_and_keeps_its_aspect() -> None:
    with WindowSink("", FORMAT) as sink:
        sink.write(RED)
        window = sink._window  # pyright: ignore[reportPrivateUsage] - nothing else shows what is on the screen
        assert window is not None
        assert window.get_surface().get_at((0, 0))[:3] == (255, 0, 0)
        window.size = (128, 128)
        sink.write(RED)
        surface = window.get_surface()
        assert surface.get_size() == (128, 128)
        assert surface.get_at((64, 64))[:3] == (255, 0, 0)
        assert surface.get_at((64, 20))[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    "event",
    [
        pygame.event.Event(pygame.QUIT),
        pygame.event.Event(pygame.WINDOWCLOSE),
        pygame.event.Event(pygame.KEYDOWN, key=pygame.K_q),
        pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE),
    ],
)
def test_closing_it_is_told_from_a_failure(event: pygame.event.Event) -> None:
    with WindowSink("", FORMAT) as sink:
        sink.write(RED)
        pygame.event.post(event)
        with pytest.raises(SinkClosedError):
            sink.write(RED)


def test_other_keys_are_handed_on() -> None:
    pressed: list[str] = []
    with WindowSink("", FORMAT) as sink:
        sink.on_key = pressed.append
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_p))
        sink.write(RED)
    assert pressed == ["p"]


def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SinkError, match="needs a display"):
        WindowSink("", FORMAT).__enter__()


def test_a_second_window_is_refused_and_leaves_the_first() -> None:
    with WindowSink("", FORMAT) as sink:
        with pytest.raises(SinkError, match="open already"):
            WindowSink("", FORMAT).__enter__()
        sink.write(RED)
