"""A machine that swaps, in this process: real TLS, WebSocket and WebRTC, and an engine that paints."""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from mien.config.choices import ConsentKind
from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien.remote.box import Box, Credentials
from mien.remote.client import pair
from mien.remote.identity import Identity, own_identity
from mien.remote.line import PackedOrder
from mien.remote.link import RemoteLink
from mien.remote.machines import Address, Machine, Machines
from mien.remote.protocol import FaceTerms, Wishes
from mien.remote.seats import Seats, Turns
from mien.remote.server import Listening, served
from mien.remote.swapping import PreparedSwap
from mien.remote.worker import Shared
from mien_models.types import BgrU8, Face, HeadPose, SwappedFace

CODE = "ABCD-EFGH-JKLM"
WIDTH, HEIGHT = 160, 96


def plain(colour_bgr: tuple[int, int, int], width: int = WIDTH, height: int = HEIGHT) -> BgrU8:
    """Give a picture of one colour."""
    return np.full((height, width, 3), colour_bgr, np.uint8)


def frame_of(index: int, colour_bgr: tuple[int, int, int] = (40, 40, 200)) -> Frame:
    """Give a captured frame; red is the real face, which nobody may see."""
    return Frame(plain(colour_bgr), index, time.monotonic_ns())


def face_of(width: int = WIDTH, height: int = HEIGHT, face_id: int = 7) -> Face:
    """Give a face in the middle of a picture."""
    landmarks = np.full((468, 3), (width / 2, height / 2, 0), np.float32)
    box = np.array([width / 4, height / 4, width * 3 / 4, height * 3 / 4], np.float32)
    return Face(face_id, box, landmarks, HeadPose(1, 2, 3), 0.9)


@dataclass(eq=False)
class Paint:
    """A stage that finds one face and paints the whole picture."""

    colour_bgr: tuple[int, int, int]
    name: str = "swap"
    fails: bool = False
    finds: bool = True
    takes_s: float = 0.0

    def __call__(self, frame: Frame) -> Frame:
        if self.fails:
            raise ZeroDivisionError("made to fail")
        time.sleep(self.takes_s)
        if not self.finds:
            return frame
        height, width = frame.image.shape[:2]
        face = face_of(width, height)
        painted = np.full_like(frame.image, self.colour_bgr)
        matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
        swapped = SwappedFace(face.id, painted, np.full((height, width), 255, np.uint8), matrix)
        return replace(
            frame, faces=(face,), chosen=(face,), roles=(0,), swapped=(swapped,), composed=SwappedPicture(painted)
        )


class PaintEngine:
    """Paints in the colour of the photo."""

    def __init__(self) -> None:
        self.made: list[Paint] = []
        self.photos: list[tuple[BgrU8, ...]] = []
        self.refuses: Exception | None = None
        self.prepares_s = 0.0
        self.may_prepare = threading.Event()
        self.may_prepare.set()

    def prepare(self, wishes: Wishes, terms: FaceTerms, photos_bgr: tuple[BgrU8, ...]) -> PreparedSwap:  # noqa: ARG002
        if self.refuses is not None:
            raise self.refuses
        time.sleep(self.prepares_s)
        self.may_prepare.wait(60)
        blue, green, red = (int(value) for value in photos_bgr[0].reshape(-1, 3).mean(axis=0))
        self.made.append(Paint((blue, green, red)))
        self.photos.append(photos_bgr)
        return PreparedSwap((self.made[-1],), {wishes.swapper: "paint"})


@dataclass(eq=False)
class Rig:
    """A machine that serves, and how to reach it."""

    box: Box
    identity: Identity
    engine: PaintEngine
    port: int
    loop: asyncio.AbstractEventLoop
    machines: Machines
    links: list[RemoteLink] = field(default_factory=list[RemoteLink])

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    def paired(self) -> Machine:
        """Pair, or give the machine that was paired with."""
        return self.machines.find(self.address) or asyncio.run(pair(self.address, CODE, self.machines))

    def link(self, colour_bgr: tuple[int, int, int] = (200, 60, 40), machine: Machine | None = None) -> RemoteLink:
        """Give a line that swaps with a photo of one colour."""
        made = RemoteLink([machine or self.paired()], order_of(colour_bgr), 30.0, lambda _status: None)
        self.links.append(made)
        made.start()
        return made

    def on_loop(self, work: Callable[[], object]) -> None:
        self.loop.call_soon_threadsafe(work)


def order_of(colour_bgr: tuple[int, int, int], wishes: Wishes | None = None) -> PackedOrder:
    """Pack a photo of one colour."""
    is_made, content = cv2.imencode(".png", plain(colour_bgr, 64, 64))
    assert is_made
    return PackedOrder(wishes or Wishes(), FaceTerms(consent=ConsentKind.SYNTHETIC), (content.tobytes(),))


@contextmanager
def serving(folder: Path, *, seats: int | None = 3, port: int = 0, code: str | None = CODE) -> Generator[Rig]:
    """Serve inside the block, in a thread of its own."""
    identity, engine = own_identity(folder), PaintEngine()
    box = Box(
        Credentials(identity.fingerprint, identity.secret, code, "test box"), Shared(engine, Turns(2)), Seats(2, seats)
    )
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with served(box, identity, Listening(("127.0.0.1",), port)) as real_port:
            ports.append(real_port)
            ready.set()
            await over.wait()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(30)
    rig = Rig(box, identity, engine, ports[0], loop, Machines(folder / "machines.json"))
    try:
        yield rig
    finally:
        for link in rig.links:
            link.close()
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        assert not thread.is_alive()


def wait_until(is_so: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Wait for something that must come about; how long it takes is the machine's business."""
    end_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end_s, f"it did not come about: {what}"
        time.sleep(0.02)


def stream(link: RemoteLink, is_so: Callable[[], object], what: str, first: int = 0) -> int:
    """Send frames until something has come about; give the next frame's index."""
    index = first

    def sent() -> object:
        nonlocal index
        link.send(frame_of(index))
        index += 1
        time.sleep(0.03)
        return is_so()

    wait_until(sent, what)
    return index
