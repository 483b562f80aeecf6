"""A line between two network namespaces that delays, loses, reorders and narrows packets, without the kernel's help.

Each end is a TUN device whose packets this process reads and, when their time has come, writes into the other. It does
what `tc qdisc ... netem` does where the kernel has that.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_TUNSETIFF: Final = 0x400454CA  # <linux/if_tun.h>, as are the two flags
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST_PACKET: Final = 1 << 16
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to the packets of one direction."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """A packet is late by up to so much more; those behind it may overtake it."""
    loss: float = 0.0
    """Of 1."""
    bits_per_s: float | None = None
    queue_s: float = 0.3
    """What would wait longer for a narrow line is dropped, as a router does."""


class _End:
    """One direction. Has state: the packets on their way, and until when the line is taken."""

    def __init__(self, name: str, weather: Weather, seed: int) -> None:
        self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
        self._weather, self._random = weather, random.Random(seed)  # noqa: S311 - the same weather each time
        self._away: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._free_s = 0.0

    def take(self, packet: bytes) -> None:
        weather, now_s = self._weather, time.monotonic()
        if self._random.random() < weather.loss:
            return
        if weather.bits_per_s is not None:
            self._free_s = max(self._free_s, now_s)
            if self._free_s - now_s > weather.queue_s:
                return
            self._free_s += len(packet) * 8 / weather.bits_per_s
            now_s = self._free_s
        self._count += 1
        due_s = now_s + weather.delay_s + self._random.uniform(0, weather.jitter_s)
        heapq.heappush(self._away, (due_s, self._count, packet))

    def wait_s(self) -> float:
        return min(_LOOK_S, max(self._away[0][0] - time.monotonic(), 0)) if self._away else _LOOK_S

    def deliver(self, device: int) -> None:
        while self._away and self._away[0][0] <= time.monotonic():
            try:
                os.write(device, heapq.heappop(self._away)[2])
            except OSError:  # the other end is down: what comes then is lost
                continue


class BadLine:
    """The line, inside its block. Has state: a thread."""

    def __init__(self, weather: Weather, ends: tuple[tuple[str, str], tuple[str, str]], device: str = "eth0") -> None:
        """Take the weather of both directions, and the namespace and address of each end, which exist."""
        self._weather, self._namespaces, self._device = weather, ends, device
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="bad-line", daemon=True)
        self._ends: list[_End] = []

    def __enter__(self) -> Self:
        """Lay it."""
        (_, here), (_, there) = self._namespaces
        for number, (namespace, address) in enumerate(self._namespaces):
            name = f"mien-tun{number}"
            self._ends.append(_End(name, self._weather, number))
            other = there if address == here else here
            for words in (
                ("link", "set", name, "netns", namespace),
                ("-n", namespace, "link", "set", name, "name", self._device),
                ("-n", namespace, "addr", "add", address, "peer", other, "dev", self._device),
                ("-n", namespace, "link", "set", self._device, "up"),
            ):
                subprocess.run(["ip", *words], check=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away."""
        self._is_over.set()
        self._thread.join()
        for end in self._ends:
            os.close(end.device)

    def _work(self) -> None:
        one, other = self._ends
        while not self._is_over.is_set():
            ready, _, _ = select.select([one.device, other.device], [], [], min(one.wait_s(), other.wait_s()))
            for end in self._ends:
                if end.device in ready:
                    self._read(end)
            one.deliver(other.device)
            other.deliver(one.device)

    @staticmethod
    def _read(end: _End) -> None:
        while True:
            try:
                packet = os.read(end.device, _LARGEST_PACKET)
            except OSError:  # nothing more, or the device is down
                return
            end.take(packet)
