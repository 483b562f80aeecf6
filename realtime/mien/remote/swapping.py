"""The thread that swaps the pictures of one session on the machine that does so for others."""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.state import why_not_live
from mien.pipeline.mailbox import Mailbox
from mien.remote.protocol import MOST_FACES, FaceTerms, SeenFace, Swapped, Wishes
from mien.remote.seats import Seat, Turns
from mien.remote.sent_picture import unstamped
from mien.remote.transport import Arrived
from mien_models.errors import FaultError, MienError
from mien_models.system.crash.edge import edge, fault
from mien_models.types import BgrU8, Face

_JOIN_S: Final = 5.0
_WHY_LETTERS: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSwap:
    """What swaps one session's pictures."""

    stages: tuple[Stage, ...]
    """In order, up to the composed picture."""
    networks: Mapping[str, str]
    """What each network runs on."""


class Engine(Protocol):
    """Everything that is loaded once for all sessions."""

    def prepare(self, wishes: Wishes, terms: FaceTerms, photos_bgr: tuple[BgrU8, ...]) -> PreparedSwap:
        """Make what swaps one session's pictures; may take a second; any thread may call it.

        Raises:
            MienError: it is not possible, in one sentence for the client.
        """
        ...


OnSwapped = Callable[[Swapped, BgrU8 | None], None]
"""Gets what became of a picture, and the swapped picture where every chosen face was swapped."""


class Swapping:
    """One session's pictures. Has state: a thread, the stages, and the newest picture that waits."""

    def __init__(self, turns: Turns, seat: Seat, on_swapped: OnSwapped, on_end: Callable[[MienError], object]) -> None:
        """Take whose turn it is, the seat, who hears of each picture, and of why there will be none any more."""
        self._turns, self._seat, self._on_swapped, self._on_end = turns, seat, on_swapped, on_end
        self._arrived: Mailbox[Arrived] = Mailbox("arrived")
        self._prepared: PreparedSwap | None = None
        self._until: date | None = None
        self._thread = threading.Thread(target=self._work, name="mien-swapping", daemon=True)
        self.unreadable = 0
        """Pictures whose strip proved no number."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def use(self, prepared: PreparedSwap, terms: FaceTerms) -> None:
        """Swap with these from the next picture on."""
        self._until = None if terms.until is None else date.fromisoformat(terms.until)
        self._prepared = prepared

    def put(self, arrived: Arrived) -> None:
        """Take a picture; the newest wins."""
        self._arrived.put(arrived)

    def close(self) -> None:
        """End, and forget the faces."""
        self._arrived.close(keep_last=False)
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)
        self._prepared = None

    def _work(self) -> None:
        with edge("The swap failed", self._on_end):
            while (arrived := self._arrived.get()) is not None:
                self._take(arrived, time.monotonic_ns())

    def _take(self, arrived: Arrived, arrived_ns: int) -> None:
        found, prepared = unstamped(arrived.picture_bgr), self._prepared
        if found is None or prepared is None:
            self.unreadable += found is None
            return
        check_until(self._until)
        image_bgr, number = found
        with self._turns.turn():
            began_ns = time.monotonic_ns()
            frame, why = _swapped(prepared.stages, Frame(image_bgr, number, arrived.sent_ns))
            done_ns = time.monotonic_ns()
        swap_ms = (done_ns - began_ns) / 1e6
        self._seat.swap_times.record_ms(swap_ms)
        told = _told(frame, why, (began_ns - arrived_ns) / 1e6, swap_ms)
        is_there = told.is_swapped and frame.composed is not None
        self._on_swapped(told, frame.composed.for_marking_elsewhere() if is_there and frame.composed else None)


def check_until(until: date | None) -> None:
    """Refuse a face whose time has run out.

    Raises:
        MienError: it has.
    """
    if until is not None and datetime.now(UTC).astimezone().date() > until:
        raise MienError(f"The right to use this face ended on {until.isoformat()}.")


def _swapped(stages: tuple[Stage, ...], frame: Frame) -> tuple[Frame, str | None]:
    """Take a frame through the stages; where one fails, give why, and the frame without any swap."""
    try:
        for stage in stages:
            frame = stage(frame)
    except BaseException as error:  # noqa: BLE001 - one session's frame may fail, the others go on
        return dataclasses.replace(frame, swapped=(), composed=None), why_failed(error)
    return frame, None


def why_failed(error: BaseException) -> str:
    """Say in a sentence for the client what failed; of what nobody foresaw, only this machine keeps the details."""
    why = fault(error, "The swap failed")
    return (
        "The swap failed on the other machine, which keeps a note of it." if isinstance(why, FaultError) else str(why)
    )


def _told(frame: Frame, why: str | None, wait_ms: float, swap_ms: float) -> Swapped:
    chosen = {face.id for face in frame.chosen}
    ranked = sorted(frame.faces, key=lambda face: face.id not in chosen)[:MOST_FACES]
    is_swapped = why is None and why_not_live(frame) is None
    return Swapped(
        number=frame.index & 0xFFFFFFFF,
        faces=tuple(_seen(face, is_chosen=face.id in chosen) for face in ranked),
        is_swapped=is_swapped,
        why=None if why is None else why[:_WHY_LETTERS],
        wait_ms=wait_ms,
        swap_ms=swap_ms,
    )


def _seen(face: Face, *, is_chosen: bool) -> SeenFace:
    left, top, right, bottom = (round(float(value), 1) for value in face.box_xyxy)
    points = tuple((round(float(x), 1), round(float(y), 1)) for x, y in face.five_points)
    pose = face.pose
    return SeenFace(
        id=face.id,
        box=(left, top, right, bottom),
        points=points,
        pose=(round(pose.yaw_deg, 1), round(pose.pitch_deg, 1), round(pose.roll_deg, 1)),
        score=round(face.score, 3),
        is_chosen=is_chosen,
    )
