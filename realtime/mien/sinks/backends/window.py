"""A window of SDL: for looking at the picture, and for OBS to capture where there is no virtual camera."""

import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import cv2
import numpy as np

from mien.media.letterbox import place
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.registry import SinkPlugin
from mien.sinks.virtual_camera import how_to_install
from mien_models.errors import SinkClosedError, SinkError
from mien_models.plugins import Usual
from mien_models.system.sentence import sentence

if TYPE_CHECKING:
    import pygame

_TITLE: Final = "Mien"
_CLOSED: Final = "The window was closed."


class WindowSink:
    """Has state: the window. Its events are taken in `write`, by the thread that opened it, as SDL asks for.

    macOS gives windows to a program's main thread only: there a window opens only if that thread runs this sink.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._title = target or _TITLE
        self._output = output
        self._window: pygame.Window | None = None
        self.on_key: Callable[[str], None] | None = None
        """Called in the sink's thread with the name of each key that closes nothing, for instance 'p'."""

    @property
    def description(self) -> str:
        """One line for people."""
        return f"window {self._title!r}; p hides the picture, q or Esc closes it"

    @property
    def needs_main_thread(self) -> bool:
        """Whether this system gives windows to a program's main thread only."""
        return sys.platform == "darwin"

    def __enter__(self) -> Self:
        """Open the window in the frame's size, or smaller where the screen is.

        Raises:
            SinkError: there is no display, or SDL cannot use it.
        """
        _check_display()
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        # SIGINT and SIGTERM are the program's: they end a run with its files closed and its report written.
        os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
        import pygame

        if pygame.display.get_init():
            raise SinkError("One window is open already. Give --sink window once.")
        try:
            pygame.display.init()
            self._window = pygame.Window(self._title, self._size_that_fits(), resizable=True)
        except pygame.error as error:
            pygame.display.quit()
            raise SinkError(f"No window can be opened: {error}. Choose another --sink.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window."""
        window, self._window = self._window, None
        if window is not None:
            import pygame

            window.destroy()
            pygame.display.quit()

    def write(self, frame: OutputFrame) -> None:
        """Show one frame, as large as the window allows.

        Raises:
            SinkClosedError: the user closed the window.
        """
        self._output.check(frame)
        if self._window is None:
            raise SinkClosedError(_CLOSED)
        self._take_events()
        self._show(self._window, frame)

    def _show(self, window: "pygame.Window", frame: OutputFrame) -> None:
        import pygame

        surface = window.get_surface()
        width, height = surface.get_size()
        left, top, inner_width, inner_height = place(self._output.width, self._output.height, width, height)
        image = frame.image
        if image.shape[:2] != (inner_height, inner_width):
            image = np.asarray(cv2.resize(image, (inner_width, inner_height), interpolation=cv2.INTER_AREA), np.uint8)
            surface.fill(0)
        shown = pygame.image.frombuffer(np.ascontiguousarray(image).data, (inner_width, inner_height), "BGR")
        surface.blit(shown, (left, top))
        window.flip()

    def _take_events(self) -> None:
        import pygame

        for event in pygame.event.get():
            if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
                raise SinkClosedError(_CLOSED)
            if event.type == pygame.KEYDOWN:
                self._take_key(pygame.key.name(event.key))

    def _take_key(self, name: str) -> None:
        if name in ("q", "escape"):
            raise SinkClosedError(_CLOSED)
        if self.on_key is not None:
            self.on_key(name)

    def _size_that_fits(self) -> tuple[int, int]:
        """Give the frame's size, scaled down to nine tenths of the smallest desktop."""
        import pygame

        desktops = pygame.display.get_desktop_sizes()
        limits = [(0.9 * width / self._output.width, 0.9 * height / self._output.height) for width, height in desktops]
        scale = min([1.0, *(min(limit) for limit in limits)])
        return max(1, round(self._output.width * scale)), max(1, round(self._output.height * scale))


def has_display() -> bool:
    """Whether this session can show a window."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


def _check_display() -> None:
    if not has_display():
        raise SinkError(
            "A window needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set. "
            "Choose another --sink, for instance file:out.mp4."
        )


PLUGIN: Final = SinkPlugin(
    make=WindowSink,
    label="A window",
    help="a window; q closes it, p hides the picture",
    target="[TITLE]",
    usual=Usual(
        2,
        lambda: "window" if has_display() else None,
        lambda: f"No virtual camera was found, so a window shows the picture. {how_to_install()}",
        lambda: sentence("A window needs a screen, and Mien was started where there is none."),
    ),
)
