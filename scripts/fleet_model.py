"""How many machines a fleet needs: `python scripts/fleet_model.py --streamers 100000 --seats 8`.

Simulates a day, minute by minute: streamers of several regions come by a daily curve and stay for a while; machines are
started and stopped by load, take their time to start, and fail. Who finds no seat tries again a minute later. Prints
one JSON: machines needed (p50, p99, most), the share of seats that are taken, how many had to wait for how long, and
how many sessions were moved. What a frame costs comes from `mien_frame_ms` of `/metrics`; see docs/fleet.md.
"""

import argparse
import json
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_MINUTES: Final = 24 * 60
_REGIONS: Final = (("Americas", 0.35, -6.0), ("Europe and Africa", 0.35, 1.0), ("Asia and Oceania", 0.30, 8.0))
"""Name, share of all streamers, hours before UTC."""
_PEAK_HOUR: Final = 20.5
_NIGHT: Final = 0.15
"""At the quietest hour there are so many of those of the busiest."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a region's machines are like."""

    seats: int
    """Sessions a machine has room for."""
    spare: float
    """So much more room than there are sessions is kept, as a share of them."""
    start_minutes: int
    hourly_failures: float
    """Of a machine: how often it fails in an hour."""


@dataclass(slots=True)
class _Region:
    """A region at one moment."""

    machines: int = 0
    sessions: int = 0
    waiting: int = 0
    starting: "list[int] | None" = None


def wanted_by_region(streamers: int) -> "dict[str, np.ndarray[Any, np.dtype[np.float64]]]":
    """Give how many of each region want to stream in each minute of a day; `streamers` in the busiest of all."""
    shapes: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    for name, share, hours in _REGIONS:
        hour = (np.arange(_MINUTES) / 60 + hours) % 24
        wave = (1 + np.cos((hour - _PEAK_HOUR) / 24 * 2 * math.pi)) / 2
        shapes[name] = share * (_NIGHT + (1 - _NIGHT) * wave**1.5)
    busiest = float(np.sum(list(shapes.values()), axis=0).max())
    return {name: shape * (streamers / busiest) for name, shape in shapes.items()}


def simulate(streamers: int, stay_minutes: float, fleet: Fleet, seed: int = 0) -> dict[str, Any]:
    """Run a day, after one that is not counted."""
    random = np.random.default_rng(seed)
    regions = {
        name: _simulated(wanted, stay_minutes, fleet, random) for name, wanted in wanted_by_region(streamers).items()
    }
    total = np.sum([one["machines"] for one in regions.values()], axis=0)
    taken = np.sum([one["sessions"] for one in regions.values()], axis=0)
    came = sum(one["came"] for one in regions.values())
    waited = sum(one["waited_minutes"] for one in regions.values())
    return {
        "streamers_at_most": int(taken.max()),
        "machines": {"p50": int(np.median(total)), "p99": int(np.percentile(total, 99)), "most": int(total.max())},
        "machine_hours_a_day": round(float(total.sum()) / 60),
        "seats_taken": round(float(taken.sum() / (total.sum() * fleet.seats)), 3),
        "sessions_a_day": came,
        "waited_a_minute_or_more": round(sum(one["waited"] for one in regions.values()) / max(came, 1), 5),
        "minutes_waited_on_average": round(waited / max(came, 1), 4),
        "moved_by_failures": sum(one["moved"] for one in regions.values()),
        "moved_by_stopping": sum(one["drained"] for one in regions.values()),
        "most_machines_by_region": {name: int(one["machines"].max()) for name, one in regions.items()},
    }


def _simulated(
    wanted: "np.ndarray[Any, np.dtype[np.float64]]", stay_minutes: float, fleet: Fleet, random: np.random.Generator
) -> dict[str, Any]:
    now = _Region(starting=[0] * fleet.start_minutes)
    machines, sessions = np.zeros(_MINUTES), np.zeros(_MINUTES)
    sums = dict.fromkeys(("came", "waited", "waited_minutes", "moved", "drained"), 0)
    for minute in range(2 * _MINUTES):
        arrivals = int(random.poisson(wanted[minute % _MINUTES] / stay_minutes))
        found = _minute(now, arrivals, stay_minutes, fleet, random)
        if minute >= _MINUTES:
            machines[minute - _MINUTES], sessions[minute - _MINUTES] = now.machines, now.sessions
            for key, count in found.items():
                sums[key] += count
    return {"machines": machines, "sessions": sessions, **sums}


def _minute(
    now: _Region, arrivals: int, stay_minutes: float, fleet: Fleet, random: np.random.Generator
) -> dict[str, int]:
    now.sessions -= int(random.binomial(now.sessions, min(1 / stay_minutes, 1.0)))
    failed = int(random.binomial(now.machines, fleet.hourly_failures / 60))
    moved = min(failed * math.ceil(now.sessions / max(now.machines, 1)), now.sessions)
    now.machines -= failed
    now.sessions -= moved
    starting = now.starting if now.starting is not None else []
    now.machines += starting.pop(0) if starting else 0
    asking = now.waiting + moved + arrivals
    seated = min(asking, max(now.machines * fleet.seats - now.sessions, 0))
    now.sessions += seated
    waited_before, now.waiting = now.waiting, asking - seated
    goal = math.ceil((now.sessions + now.waiting) * (1 + fleet.spare) / fleet.seats)
    coming = now.machines + sum(starting)
    starting.append(max(goal - coming, 0))
    now.starting = starting
    stopped = max(min(now.machines - goal, now.machines // 20), 0) if coming > goal else 0
    now.machines -= stopped
    # Sessions of a machine that is stopped turn to another one; the emptiest is stopped, so it has about half.
    drained = min(stopped * fleet.seats // 2, now.sessions)
    newly = max(now.waiting - waited_before, 0)
    return {"came": arrivals, "waited": newly, "waited_minutes": now.waiting, "moved": moved, "drained": drained}


def main() -> None:
    """Print a day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streamers", type=int, default=100_000, help="at the same time, at the busiest moment")
    parser.add_argument("--seats", type=int, default=8, help="sessions a machine has room for")
    parser.add_argument("--stay", type=float, default=90, help="minutes that a session lasts, on average")
    parser.add_argument("--spare", type=float, default=0.1, help="room that is kept, as a share of the sessions")
    parser.add_argument("--start", type=int, default=4, help="minutes until a new machine takes sessions")
    parser.add_argument("--failures", type=float, default=0.001, help="failures of a machine in an hour")
    wish = parser.parse_args()
    fleet = Fleet(wish.seats, wish.spare, wish.start, wish.failures)
    print(json.dumps(simulate(wish.streamers, wish.stay, fleet), indent=1))


if __name__ == "__main__":
    main()
