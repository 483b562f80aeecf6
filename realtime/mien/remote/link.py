"""The lines to the machines that swap: one in use, whatever happens, and the next one before it when it has to go."""

import asyncio
import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Final

import cv2

from mien.pipeline.frame import Frame
from mien.remote.answers import Answers
from mien.remote.client import RefusedError, SeatWish, UnreachableError
from mien.remote.line import Line, PackedOrder
from mien.remote.machines import Machine
from mien.remote.protocol import ProtocolError
from mien.remote.sent_picture import PictureSize, stamped
from mien.remote.transport import LineStats, LinkState, LinkStatus
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge, fault
from mien_models.types import BgrU8, as_u8

_LOG = logging.getLogger(__name__)
_UP_S: Final = 30.0
"""A line that has held for so long is no reason to be patient with the next."""
_FIRST_PAUSE_S: Final = 0.3
_LONGEST_PAUSE_S: Final = 1.0
_REFUSED_PAUSE_S: Final = 5.0
_LAST_ANSWERS_S: Final = 0.3
"""What is away by a line that another has taken over from comes back yet."""
_JOIN_S: Final = 8.0
_MOST_FPS: Final = 60.0


class RemoteLink:
    """Has state: a thread, the line of now, what is away. Any thread may call anything."""

    def __init__(
        self, machines: Sequence[Machine], order: PackedOrder, fps: float, on_state: Callable[[LinkStatus], None]
    ) -> None:
        """Take the machines, what to swap with, how many frames come, and who hears how the line does.

        Where one of the machines is away, full or about to stop, the next one is asked.
        """
        self._machines, self._fps, self._on_state = tuple(machines), min(fps, _MOST_FPS), on_state
        self._turn = 0
        self._order = order
        self._state, self._why = LinkState.CONNECTING, "Connecting to the other machine."
        self._run = secrets.token_hex(16)
        self.answers = Answers()
        self._size = PictureSize()
        self._frame_size: tuple[int, int] | None = None
        self._loop = asyncio.new_event_loop()
        self._line: Line | None = None
        """By which frames are sent."""
        self._newest: Line | None = None
        """Begun last."""
        self._lines: dict[Line, asyncio.Task[None]] = {}
        """All that are up: two while one takes over from another."""
        self._count = 0
        self._keeping: asyncio.Task[None] | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mien-remote", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def close(self) -> None:
        """End; the other machine forgets the faces."""
        self._is_closing.set()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def order(self, order: PackedOrder) -> None:
        """Swap with something else from now on; of another face, nothing that the one before was put into is shown."""
        is_other_face = order.photos_png != self._order.photos_png
        self._order = order
        if is_other_face:
            self._be(LinkState.CONNECTING, "The other machine is given another face.")
            self.answers.start_over()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._reorder, order)

    @property
    def is_ready(self) -> bool:
        """Whether frames can be sent."""
        return self._state is LinkState.READY

    @property
    def status(self) -> LinkStatus:
        """How it is."""
        line, answers = self._line or self._newest, self.answers
        transport = None if line is None else line.transport
        return LinkStatus(
            machine=self._name if line is None else line.name,
            state=self._state,
            why=self._why,
            line=LineStats() if transport is None else transport.stats(),
            box_encode_ms=None if line is None else line.there_encode_ms,
            box_decode_ms=None if line is None else line.there_decode_ms,
            networks={} if line is None else line.networks,
            seats="" if line is None else line.seats,
            swap_ms=answers.swap_times.recent_median_ms,
            wait_ms=answers.wait_times.recent_median_ms,
            back_ms=answers.back_times.recent_median_ms,
            sent_size=self._size.sent,
            lines=self._count,
            strangers=answers.strangers,
        )

    def send(self, frame: Frame) -> None:
        """Send a frame if there is a line; never waits."""
        height, width = frame.image.shape[:2]
        self._frame_size = (width, height)
        line = self._line
        transport = None if line is None else line.transport
        if transport is None or not self.is_ready:
            return
        size = self._size.fitting(width, height, self._fps, transport.stats().bits_per_s)
        image = frame.image if size == (width, height) else _resized(frame.image, size)
        transport.send(stamped(image, self.answers.number(frame, size[0])), frame.captured_ns)

    def _work(self) -> None:
        with (
            edge("The line to the other machine failed", self._failed),
            # It also ends what aiortc leaves behind.
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            contextlib.suppress(asyncio.CancelledError),
        ):
            runner.run(self._keep_up())

    def _failed(self, error: MienError) -> None:
        self._be(LinkState.REFUSED, str(error))

    def _cancel(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()

    async def _keep_up(self) -> None:
        """Begin one line after another, each once the one before has broken or is to be left."""
        self._keeping = asyncio.current_task()
        pause_s = _FIRST_PAUSE_S
        try:
            while self._frame_size is None:
                await asyncio.sleep(0.02)
            while not self._is_closing.is_set():
                began_s = self._loop.time()
                await self._one_line(self._frame_size)
                if self._next_machine():
                    continue
                if self._state is LinkState.REFUSED:
                    pause_s = _REFUSED_PAUSE_S
                elif self._loop.time() - began_s > _UP_S:
                    pause_s = _FIRST_PAUSE_S
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        finally:
            await self._end(*self._lines.values())

    @property
    def _name(self) -> str:
        machine = self._machines[self._turn]
        return f"{machine.name} at {machine.address}"

    def _next_machine(self) -> bool:
        """Turn to the next machine; tell whether there is one that was not asked since the first."""
        self._turn = (self._turn + 1) % len(self._machines)
        return self._turn > 0

    async def _one_line(self, frame_size: tuple[int, int]) -> None:
        """Begin a line; done when it has ended, or is to be left and goes on until another takes over."""
        width, height = self._size.fitting(*frame_size, self._fps, None)
        line = self._newest = Line(self._machines[self._turn], self._order, self.answers, self._take_over)
        task = asyncio.ensure_future(self._run_line(line, SeatWish(self._run, width, height, self._fps)))
        self._lines[line] = task
        leaving = asyncio.ensure_future(line.is_to_leave.wait())
        try:
            await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()

    async def _run_line(self, line: Line, wish: SeatWish) -> None:
        try:
            await line.run(wish)
        except RefusedError as error:
            self._leave(line, LinkState.REFUSED, str(error))
        except (ProtocolError, UnreachableError) as error:
            self._leave(line, LinkState.AWAY, str(error))
        except (OSError, TimeoutError) as error:
            _LOG.debug("the line broke", exc_info=error)
            self._leave(line, LinkState.AWAY, f"The line to {line.name} is broken; it is tried again.")
        except Exception as error:  # noqa: BLE001 - whatever breaks a line, a new one is begun
            self._leave(line, LinkState.AWAY, str(fault(error, "The line to the other machine failed")))
        finally:
            del self._lines[line]

    def _take_over(self, line: Line) -> None:
        """Send by this line from now on; the one before ends once what is away by it is back."""
        before = self._line
        is_needed = before in (line, None) or not line.is_to_leave.is_set()
        if line.order is not self._order or not is_needed:
            return
        if before is not line:
            self._line, self._count = line, self._count + 1
            if before is not None:
                self._loop.call_later(_LAST_ANSWERS_S, self._lines[before].cancel)
        self._be(LinkState.READY, f"Swapped by {line.name}.")

    def _leave(self, line: Line, state: LinkState, why: str) -> None:
        """Know that a line has ended; while another one is in use nobody has to."""
        if self._line not in (line, None):
            return
        self._line = None
        self.answers.start_over()
        self._be(state, why)

    def _reorder(self, order: PackedOrder) -> None:
        for line in self._lines:
            line.reorder(order)

    @staticmethod
    async def _end(*tasks: "asyncio.Task[None]") -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _be(self, state: LinkState, why: str) -> None:
        before = self._state, self._why
        self._state, self._why = state, why
        if before != (state, why):
            self._on_state(self.status)


def _resized(image_bgr: BgrU8, size: tuple[int, int]) -> BgrU8:
    return as_u8(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA))
