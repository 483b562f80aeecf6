"""Take a fleet through what fleets go through, and count: `python scripts/fleet_bars.py -o FOLDER`.

A Ray cluster of this machine alone, replicas at 320x180, clients that stream over real lines. A replica is
killed, the fleet grows because more clients come, is renewed, and shrinks, while all of them stream. Prints one JSON:
for each event the longest time that each client was without a picture, how many moved, and how many sessions each
replica has. With --sessions instead of that the memory after so many short ones; with --nodes a node is cut off.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from mien.cli.fleet import FleetWish, begun, cluster, prepared
from mien.remote.client import pair
from mien.remote.machines import Address, Machine, Machines
from remote_clients import Client, order, photo_png, picture_bgr
from two_nodes import HEAD, pull_the_cable, two_nodes

if TYPE_CHECKING:
    from mien.remote.fleet import FleetPlan

_PATIENCE_S: Final = 240.0
_SETTLED_S: Final = 0.3
"""A replica needs a moment to forget a session."""


def main() -> int:
    """Run the journey."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--fps", type=float, default=3.0)
    parser.add_argument("--sessions", type=int, default=0, help="short ones, for the memory; nothing else then")
    parser.add_argument("--nodes", action="store_true", help="a replica on each of two nodes, of which one dies")
    parser.add_argument("--port", type=int, default=7480)
    wish = parser.parse_args()
    os.environ |= {f"MIEN_{kind}_DIR": str(wish.output / kind.lower()) for kind in ("DATA", "STATE", "CONFIG")}
    seats = -(-wish.clients // (wish.replicas - 1))
    replicas = f"{wish.replicas}-{wish.replicas + 1}"
    fleet = FleetWish(wish.port, "127.0.0.1", seats, "auto", replicas, 0.1, 0.0, ())
    prepared()
    if wish.nodes:
        fleet = dataclasses.replace(fleet, host=None, seats=wish.clients, replicas="2", cpus=1.0)
    with two_nodes() if wish.nodes else contextlib.nullcontext(), cluster() as folder:
        plan = begun(fleet)
        act = _cut_off if wish.nodes else _memory if wish.sessions else _journey
        print(json.dumps(act(wish, plan, folder), indent=1))
    return 0


def _cut_off(wish: argparse.Namespace, plan: "FleetPlan", _folder: Path | None) -> dict[str, Any]:
    """Pull the cable of a node while clients stream."""
    machine = _paired(wish, plan)
    clients = [Client(machine, order(), picture_bgr(), wish.fps) for _ in range(wish.clients)]
    with contextlib.ExitStack() as stack:
        for one in clients:
            one.start()
            stack.callback(one.close)
            time.sleep(1)
        _until(lambda: all(one.answers > 3 for one in clients), "everybody has pictures")
        before = _sessions()
        return {"sessions": before, "a node cut off": _event(clients, pull_the_cable)}


def _journey(wish: argparse.Namespace, plan: "FleetPlan", folder: Path | None) -> dict[str, Any]:
    from mien.remote.fleet import deploy

    machine = _paired(wish, plan)
    clients = [Client(machine, order(), picture_bgr(), wish.fps) for _ in range(wish.clients)]
    late = [Client(machine, order(), picture_bgr(), wish.fps) for _ in range(2)]
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
            ("two more clients, scale-out", lambda: _more(late, count + 1)),
            ("upgrade", lambda: deploy(newer, (count + 1, count + 1))),
            ("upgrade to fewer", lambda: deploy(newer, (count, count))),
        ):
            found[name] = _event(clients, act)
            print(name, found[name], flush=True)
        for one in late:
            one.close()
        found["photo lies in"] = _traces(photo_png(), folder)
    finally:
        for one in (*clients, *late):
            one.close()
    return found


def _paired(wish: argparse.Namespace, plan: "FleetPlan") -> Machine:
    address = Address(HEAD if wish.nodes else "127.0.0.1", wish.port)
    return asyncio.run(pair(address, str(plan.code), Machines(wish.output / "known.json")))


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


def _more(clients: list[Client], replicas: int) -> None:
    """Let more clients come, so many that the fleet grows by itself."""
    for one in clients:
        one.start()
    _until(lambda: sum(one["state"] == "RUNNING" for one in _replicas()) == replicas, "the fleet has grown")


def _memory(wish: argparse.Namespace, plan: "FleetPlan", _folder: Path | None) -> dict[str, float]:
    """Let short sessions come and go; give the memory of all replicas, in MB, after each tenth of them."""
    machine, count = _paired(wish, plan), wish.sessions
    found: dict[str, float] = {}
    for number in range(count):
        client = Client(machine, order(), picture_bgr(), 10.0)
        client.start()
        _until(lambda client=client: client.answers > 0, "a short session has its picture")
        client.close()
        time.sleep(_SETTLED_S)
        if (number + 1) % max(count // 10, 1) == 0:
            found[f"after {number + 1} sessions"] = sum(
                psutil.Process(one["pid"]).memory_info().rss / 1e6 for one in _replicas()
            )
    return found


def _replicas() -> list[Any]:
    from ray.serve.context import _get_global_client

    from mien.remote.fleet import NAME

    deployments = _get_global_client().get_serve_details()["applications"][NAME]["deployments"]
    return [one for deployment in deployments.values() for one in deployment["replicas"]]


def _sessions() -> dict[str, int]:
    """Give how many sessions each replica has by the desk's book; the desk, too, may just be begun anew."""
    import ray
    from ray.exceptions import RayError

    from mien.remote.fleet import desk

    ends_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return dict(ray.get(desk().book.remote(), timeout=_PATIENCE_S))
        except RayError:
            if time.monotonic() > ends_s:
                raise
            time.sleep(1)


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
