"""The machine that swaps for a session: which, what it is given, and what is known of it."""

import threading
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import cv2

from mien.config.choices import ConsentKind
from mien.consent.terms import Terms
from mien.pipeline.events import EventFact, LineBack, LineBroken
from mien.pipeline.frame import Frame
from mien.pipeline.report import RemoteReport, rounded
from mien.remote.machines import Address, Machine, Machines, parse_addresses
from mien.remote.protocol import LARGEST_PHOTO_PX, MOST_PHOTOS, FaceTerms
from mien.remote.stage import RemoteStage
from mien.remote.transport import LinkState, LinkStatus
from mien.session.loaded import Loaded
from mien.session.options import RemoteOptions
from mien_models.errors import UsageError
from mien_models.types import BgrU8, FaceView, as_u8

# WebRTC and what encrypts for it are loaded by runs that are swapped elsewhere, and by no other.
if TYPE_CHECKING:
    from mien.remote.line import PackedOrder
    from mien.remote.link import RemoteLink

_ROOM: Final = 0.9
"""Of a photo, so many widths of the face go along on each side of it: hair and neck, nobody else."""


def known_machines(addresses: str) -> tuple[Machine, ...]:
    """Give the machines, of which there may be several with commas between them; each was paired with.

    Raises:
        UsageError: one was not.
    """
    return tuple(map(_known, parse_addresses(addresses)))


def _known(address: Address) -> Machine:
    machine = Machines().find(address)
    if machine is None:
        raise UsageError(
            f"This machine has not been paired with {address}; 'mien serve' says a code there, give it once: mien run "
            f"--remote {address} --pair CODE."
        )
    return machine


class SessionRemote:
    """Has state: the line, while another machine swaps. Any thread may call anything."""

    def __init__(self, fps: Fraction) -> None:
        """Take how many frames a second come; nothing is connected yet."""
        self._fps = float(fps)
        self._lock = threading.Lock()
        self._tell: Callable[[EventFact], None] = lambda _fact: None
        self._link: RemoteLink | None = None
        self._machines: tuple[Machine, ...] = ()
        self._stage: RemoteStage | None = None

    def start(self, tell: Callable[[EventFact], None]) -> None:
        """Know who hears when the line breaks and is back."""
        self._tell = tell

    def stage(self, options: RemoteOptions | None, loaded: Loaded) -> "_Begins | None":
        """Make the stage that has frames swapped elsewhere; it takes over with its first frame.

        Raises:
            UsageError: the machine was not paired with, or the face cannot be sent.
        """
        if options is None:
            return None
        return _Begins(self, known_machines(options.address), _packed(options, loaded), takes_over=options.takes_over)

    def begin(self, machines: tuple[Machine, ...], order: "PackedOrder", *, takes_over: bool) -> RemoteStage:
        """Connect, or let the machine that is connected swap with something else."""
        with self._lock:
            if self._link is None or self._machines != machines:
                from mien.remote.link import RemoteLink

                self._let_go()
                self._machines = machines
                self._link = RemoteLink(machines, order, self._fps, self._on_state)
                self._link.start()
            else:
                self._link.order(order)
            self._stage = RemoteStage(self._link, self._why, takes_over=takes_over)
            return self._stage

    def keep_only(self, options: RemoteOptions | None) -> None:
        """Let go of the machine where none is wanted any longer."""
        if options is None:
            with self._lock:
                self._let_go()

    def close(self) -> None:
        """Let go of the machine; it forgets the faces."""
        with self._lock:
            link = self._link
            self._link = self._stage = None
        if link is not None:
            link.close()

    @property
    def report(self) -> RemoteReport | None:
        """What status and report say of it; None where this machine swaps."""
        status = self.status
        if status is None:
            return None
        line = status.line
        return RemoteReport(
            machine=status.machine,
            state=status.state.value,
            why=status.why,
            codec=line.codec,
            rtt_ms=rounded(line.rtt_ms),
            loss=rounded(line.loss),
            encode_ms=rounded(line.encode_ms),
            decode_ms=rounded(line.decode_ms),
            there_encode_ms=rounded(status.box_encode_ms),
            there_decode_ms=rounded(status.box_decode_ms),
            there_wait_ms=rounded(status.wait_ms),
            there_swap_ms=rounded(status.swap_ms),
            back_ms=rounded(status.back_ms),
            sent_size=status.sent_size,
            bits_per_s=line.bits_per_s,
            seats=status.seats,
            networks=status.networks,
            lines=status.lines,
            strangers=status.strangers,
            is_taken_over=self.is_local,
        )

    @property
    def status(self) -> LinkStatus | None:
        """How the line is; None where this machine swaps."""
        link = self._link
        return None if link is None else link.status

    @property
    def is_local(self) -> bool:
        """Whether this machine swaps while the other is away."""
        return self._stage is not None and self._stage.is_local

    def _let_go(self) -> None:
        """Let go of the machine beside the run: saying goodbye takes a moment, and frames pass meanwhile."""
        if self._link is not None:
            threading.Thread(target=self._link.close, name="mien-remote-close", daemon=True).start()
        self._link = self._stage = None

    def _why(self) -> str:
        status = self.status
        if status is None or status.state is LinkState.READY:
            return "The other machine is late: its last picture is older than half a second."
        return status.why

    def _on_state(self, status: LinkStatus) -> None:
        name = f"line to {status.machine}"
        if status.state is LinkState.READY:
            self._tell(LineBack(name))
        elif status.state is not LinkState.CONNECTING:
            self._tell(LineBroken(name, status.why))


class _Begins:
    """The remote stage, which begins with its first frame: until then nothing has changed. Has state: that stage."""

    name = RemoteStage.name

    def __init__(
        self, remote: SessionRemote, machines: tuple[Machine, ...], order: "PackedOrder", *, takes_over: bool
    ) -> None:
        def begin() -> RemoteStage:
            return remote.begin(machines, order, takes_over=takes_over)

        self._begin = begin
        self._stage: RemoteStage | None = None

    def __call__(self, frame: Frame) -> Frame:
        """Send a frame; as `RemoteStage`."""
        if self._stage is None:
            self._stage = self._begin()
        return self._stage(frame)


def _packed(options: RemoteOptions, loaded: Loaded) -> "PackedOrder":
    from mien.remote.line import PackedOrder

    views = loaded.sources[0].views[:MOST_PHOTOS]
    permits = loaded.source_faces.permits
    terms: Terms | None = permits[0].face.terms if permits else None
    until = None if terms is None or terms.until is None else terms.until.isoformat()
    consent = ConsentKind(loaded.source_faces.consents[0])
    return PackedOrder(options.wishes, FaceTerms(consent=consent, until=until), tuple(map(_png, views)))


def _png(view: FaceView) -> bytes:
    """Cut the face with some room around it out of its photo; all that leaves this machine of it."""
    height, width = view.photo_bgr.shape[:2]
    left, top, right, bottom = (float(value) for value in view.face.box_xyxy)
    room = _ROOM * max(right - left, bottom - top)
    rows = slice(max(int(top - room), 0), min(int(bottom + room) + 1, height))
    columns = slice(max(int(left - room), 0), min(int(right + room) + 1, width))
    part: BgrU8 = view.photo_bgr[rows, columns]
    scale = LARGEST_PHOTO_PX / max(part.shape[:2])
    if scale < 1:
        size = max(int(part.shape[1] * scale), 1), max(int(part.shape[0] * scale), 1)
        part = as_u8(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    is_made, content = cv2.imencode(".png", part)
    if not is_made:
        raise UsageError("The photo cannot be sent to another machine; take another one.")
    return content.tobytes()
