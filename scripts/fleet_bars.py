"""Take a fleet through what fleets go through, and count: `python scripts/fleet_bars.py -o FOLDER`.

A Ray cluster of this machine alone, replicas at 320x180, clients that stream over real lines. A replica is
killed, the fleet grows, is renewed, and shrinks, while all of them stream. Prints one JSON: for each event the
longest time that each client was without a picture, how many moved, and how many sessions each replica has.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2

from mien.cli.fleet import FleetWish, begun, cluster, prepared
from mien.config.choices import ConsentKind
from mien.pipeline.frame import Frame
from mien.remote.client import pair
from mien.remote.link import PackedOrder, RemoteLink
from mien.remote.machines import Address, Machine, Machines
from mien.remote.protocol import FaceTerms, Wishes
from mien.tracking.photo import public_domain_photo
from mien_models.types import BgrU8, as_u8

if TYPE_CHECKING:
    from mien.remote.fleet import FleetPlan

_SIZE: Final = (320, 180)
_PATIENCE_S: Final = 240.0


class Client:
    """Streams one picture again and again, and notes when answers come. Has state: a thread, a link."""

    def __init__(self, machine: Machine, order: PackedOrder, picture: BgrU8, fps: float) -> None:
        self._picture, self._fps = picture, fps
        self.link = RemoteLink([machine], order, fps, lambda status: print(status.state.value, status.why, flush=True))
        self.newest_s = time.monotonic()
        self.ready_s = self.newest_s
        self.longest_s = self.away_s = 0.0
        self.shown = 0
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
        """Count the longest gaps anew."""
        self.longest_s = self.away_s = 0.0

    def _work(self) -> None:
        index, seen = 0, -1
        while not self._is_over.wait(1 / self._fps):
            self.link.send(Frame(self._picture, index, time.monotonic_ns()))
            index += 1
            answered = self.link.answers.newer_than(seen, 0.0)
            now_s = time.monotonic()
            if answered is not None and answered.composed is not None:
                seen, self.newest_s = answered.index, now_s
                self.shown += 1
            if self.link.is_ready:
                self.ready_s = now_s
            self.away_s = max(self.away_s, now_s - self.ready_s)
            self.longest_s = max(self.longest_s, now_s - self.newest_s)


def main() -> int:
    """Run the journey."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--fps", type=float, default=3.0)
    parser.add_argument("--port", type=int, default=7480)
    wish = parser.parse_args()
    os.environ |= {f"MIEN_{kind}_DIR": str(wish.output / kind.lower()) for kind in ("DATA", "STATE", "CONFIG")}
    seats = -(-wish.clients // (wish.replicas - 1))
    fleet = FleetWish(wish.port, "127.0.0.1", seats, "auto", f"{wish.replicas}", 0.1, 0.0, ())
    prepared()
    with cluster() as folder:
        plan = begun(fleet)
        print(json.dumps(_journey(wish, plan, folder), indent=1))
    return 0


def _journey(wish: argparse.Namespace, plan: "FleetPlan", folder: Path | None) -> dict[str, Any]:
    from mien.remote.fleet import deploy

    portrait = as_u8(cv2.imread(str(public_domain_photo())))
    picture = as_u8(cv2.resize(portrait, _SIZE))
    photo = cv2.imencode(".png", portrait)[1].tobytes()
    order = PackedOrder(Wishes(), FaceTerms(consent=ConsentKind.PUBLIC_DOMAIN), (photo,))
    machine = asyncio.run(pair(Address("127.0.0.1", wish.port), str(plan.code), Machines(wish.output / "known.json")))
    clients = [Client(machine, order, picture, wish.fps) for _ in range(wish.clients)]
    for one in clients:
        one.start()
        time.sleep(1)
    found: dict[str, Any] = {}
    try:
        _until(lambda: all(one.answers > 3 for one in clients), "everybody has pictures")
        print("pictures", flush=True)
        found["sessions"] = _sessions()
        newer = dataclasses.replace(plan, version=secrets.token_hex(4))
        count = wish.replicas
        for name, act in (
            ("killed", _kill_one),
            ("scale-out", lambda: deploy(plan, (count + 1, count + 1))),
            ("upgrade", lambda: deploy(newer, (count + 1, count + 1))),
            ("drain", lambda: deploy(newer, (count, count))),
        ):
            found[name] = _event(clients, act)
            print(name, found[name], flush=True)
        found["photo lies in"] = _traces(photo, folder)
    finally:
        for one in clients:
            one.close()
    return found


def _event(clients: list[Client], act: Callable[[], object]) -> dict[str, Any]:
    for one in clients:
        one.begin_event()
    lines, began_s = [one.link.status.lines for one in clients], time.monotonic()
    act()
    took_s = time.monotonic() - began_s
    time.sleep(10)
    counts = [one.answers for one in clients]
    _until(lambda: all(one.answers > count for one, count in zip(clients, counts, strict=True)), "all are back")
    return {
        "without_a_seat_s": sorted(round(one.away_s, 1) for one in clients),
        "without_a_picture_s": sorted(round(one.longest_s, 1) for one in clients),
        "moved": sum(one.link.status.lines > before for one, before in zip(clients, lines, strict=True)),
        "took_s": round(took_s, 1),
        "sessions": _sessions(),
    }


def _replicas() -> list[Any]:
    from ray.serve.context import _get_global_client

    from mien.remote.fleet import NAME

    deployments = _get_global_client().get_serve_details()["applications"][NAME]["deployments"]
    return [one for deployment in deployments.values() for one in deployment["replicas"]]


def _sessions() -> dict[str, int]:
    """Give how many sessions each replica has by the desk's book."""
    import ray

    from mien.remote.fleet import desk

    return dict(ray.get(desk().book.remote()))


def _kill_one() -> None:
    busiest = max(_sessions().items(), key=lambda one: one[1])[0]
    os.kill(next(int(one["pid"]) for one in _replicas() if one["replica_id"] == busiest), signal.SIGKILL)


def _traces(photo: bytes, folder: Path | None) -> list[str]:
    """Name files, shared memory included, that hold a piece of the photo."""
    piece = photo[len(photo) // 2 :][:64]
    places = [Path("/dev", "shm"), *([folder] if folder else [])]
    return [str(path) for place in places for path in place.rglob("*") if _holds(path, piece)]


def _holds(path: Path, piece: bytes) -> bool:
    with contextlib.suppress(OSError):
        return path.is_file() and piece in path.read_bytes()
    return False


def _until(is_so: Callable[[], object], what: str) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > end_s:
            raise SystemExit(f"it did not come about: {what}")
        time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
