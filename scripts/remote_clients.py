"""Streamers for the benches of the swap elsewhere: each sends one picture again and again, and counts what is back."""

import argparse
import asyncio
import signal
import threading
import time
from typing import Final

import cv2

from mien.config.choices import ConsentKind
from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Histogram
from mien.remote.client import pair
from mien.remote.line import PackedOrder
from mien.remote.link import RemoteLink
from mien.remote.machines import Machine, Machines, parse_address
from mien.remote.protocol import FaceTerms, Wishes
from mien.tracking.photo import public_domain_photo
from mien_models.types import BgrU8, as_u8

SIZE: Final = (320, 180)


def order() -> PackedOrder:
    """Give what to swap with: the portrait that is in the public domain."""
    return PackedOrder(Wishes(), FaceTerms(consent=ConsentKind.PUBLIC_DOMAIN), (photo_png(),))


def photo_png() -> bytes:
    """Give the photo as it is sent."""
    return cv2.imencode(".png", cv2.imread(str(public_domain_photo())))[1].tobytes()


def picture_bgr() -> BgrU8:
    """Give what a client sends."""
    return as_u8(cv2.resize(as_u8(cv2.imread(str(public_domain_photo()))), SIZE))


class Client:
    """Streams one picture again and again, and notes when answers come. Has state: a thread, a link."""

    def __init__(self, machine: Machine, wanted: PackedOrder, picture: BgrU8, fps: float) -> None:
        self._picture, self._fps = picture, fps
        self.link = RemoteLink([machine], wanted, fps, lambda status: print(status.state.value, status.why, flush=True))
        self.newest_s = self.ready_s = time.monotonic()
        self.longest_s = self.away_s = 0.0
        self.shown = self.sent = 0
        self.ages = Histogram()
        """Of what is shown, since it was sent."""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self.link.start()
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()
        self.link.close()

    @property
    def answers(self) -> int:
        """How many came back, those included that were too late to be shown: a machine that is busy gives no others."""
        return self.shown + self.link.answers.strangers

    def begin_event(self) -> None:
        """Count anew."""
        self.longest_s = self.away_s = 0.0
        self.shown = self.sent = 0
        self.ages = Histogram()

    def _work(self) -> None:
        index, seen = 0, -1
        while not self._is_over.wait(1 / self._fps):
            self.link.send(Frame(self._picture, index, time.monotonic_ns()))
            index, self.sent = index + 1, self.sent + 1
            answered = self.link.answers.newer_than(seen, 0.0)
            now_s = time.monotonic()
            if answered is not None and answered.composed is not None:
                seen, self.newest_s = answered.index, now_s
                self.shown += 1
                self.ages.record_ms((time.monotonic_ns() - answered.captured_ns) / 1e6)
            if self.link.is_ready:
                self.ready_s = now_s
            self.away_s = max(self.away_s, now_s - self.ready_s)
            self.longest_s = max(self.longest_s, now_s - self.newest_s)


def main() -> int:
    """Let a crowd stream until it is ended: `python scripts/remote_clients.py ADDRESS CODE --count N --fps N`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("address")
    parser.add_argument("code")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--fps", type=float, default=15.0)
    wish = parser.parse_args()
    machine = asyncio.run(pair(parse_address(wish.address), wish.code, Machines()))
    clients = [Client(machine, order(), picture_bgr(), wish.fps) for _ in range(wish.count)]
    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: is_over.set())
    for one in clients:
        one.start()
    is_over.wait()
    for one in clients:
        one.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
