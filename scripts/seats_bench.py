"""What a seat costs: `python scripts/seats_bench.py -o FOLDER [--most 8] [--fps 15]`.

One `mien serve` in a process of its own, and one session after another at 320x180, each with a line of its own. Prints
a table in Markdown, a row for each number of sessions, and writes `seats.svg`. The clients encode and decode on the
same processors here, which a laptop does for itself: what the machine alone could bear is more.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from mien.remote.client import pair
from mien.remote.machines import Machine, Machines, parse_address
from remote_clients import Client, order, picture_bgr

SETTLING_S: Final = 5.0
MEASURED_S: Final = 15.0
PATIENCE_S: Final = 60.0
LATE_MS: Final = 500.0
HEAD: Final = (
    "| sessions | pictures back of those sent | age p50 ms | age p95 ms | swap ms | waiting ms | processor of the "
    "machine | MB |\n|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What so many sessions at once come to."""

    sessions: int
    back: float
    """Pictures that came back in time, of those that were sent."""
    p50_ms: float
    p95_ms: float
    """From being sent to being shown, over all sessions; the worst session counts."""
    swap_ms: float
    wait_ms: float
    processors: float
    """Of the machine that swaps: 1 is one core."""
    mb: float

    def row(self) -> str:
        """Give it as a row of the table."""
        return (
            f"| {self.sessions} | {self.back:.0%} | {self.p50_ms:.0f} | {self.p95_ms:.0f} | {self.swap_ms:.0f} | "
            f"{self.wait_ms:.0f} | {self.processors:.2f} | {self.mb:.0f} |"
        )


def main() -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--fps", type=float, default=15.0)
    wish = parser.parse_args()
    wish.output.mkdir(parents=True, exist_ok=True)
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="mien-seats-") as folder:
        os.environ |= {f"MIEN_{kind}_DIR": f"{folder}/{kind.lower()}" for kind in ("DATA", "STATE", "CONFIG")}
        words = [sys.executable, "-m", "mien", "serve", "--host", "127.0.0.1", "--port", "7490"]
        with subprocess.Popen([*words, "--seats", str(wish.most)], stdout=subprocess.PIPE, text=True) as box:
            try:
                address, code = (box.stdout.readline() if box.stdout else "").split()
                machine = asyncio.run(pair(parse_address(address), code, Machines(Path(folder) / "known.json")))
                loads = list(measured(machine, psutil.Process(box.pid), wish.most, wish.fps))
            finally:
                box.terminate()
    (wish.output / "seats.svg").write_text(drawn(loads, wish.fps), encoding="utf-8")
    return 0


def measured(machine: Machine, box: psutil.Process, most: int, fps: float) -> list[Load]:
    """Let one session after another come, and look at all of them; ends once pictures come too late."""
    clients: list[Client] = []
    found: list[Load] = []
    try:
        while len(clients) < most and (not found or found[-1].p95_ms < LATE_MS):
            clients.append(Client(machine, order(), picture_bgr(), fps))
            clients[-1].start()
            ends_s = time.monotonic() + PATIENCE_S
            while clients[-1].answers == 0 and time.monotonic() < ends_s:
                time.sleep(0.1)
            time.sleep(SETTLING_S)
            found.append(_load(clients, box))
            print(found[-1].row(), flush=True)
    finally:
        for one in clients:
            one.close()
    return found


def _load(clients: Sequence[Client], box: psutil.Process) -> Load:
    for one in clients:
        one.begin_event()
    began_s, before_s = time.monotonic(), sum(box.cpu_times()[:2])
    time.sleep(MEASURED_S)
    passed_s, used_s = time.monotonic() - began_s, sum(box.cpu_times()[:2]) - before_s
    statuses = [one.link.status for one in clients]
    return Load(
        len(clients),
        sum(one.shown for one in clients) / max(sum(one.sent for one in clients), 1),
        max(one.ages.percentile_ms(50) or 0.0 for one in clients),
        max(one.ages.percentile_ms(95) or 0.0 for one in clients),
        max(one.swap_ms or 0.0 for one in statuses),
        max(one.wait_ms or 0.0 for one in statuses),
        used_s / passed_s,
        box.memory_info().rss / 1e6,
    )


def drawn(loads: Sequence[Load], fps: float) -> str:
    """Draw ages and processor time over the number of sessions, as SVG."""
    width, height, left, top = 640, 320, 60, 60
    high_ms = max(*(one.p95_ms for one in loads), 100.0)
    step = (width - left - 40) / max(len(loads) - 1, 1)

    def line(values: Sequence[float], high: float, colour: str) -> str:
        points = " ".join(
            f"{left + number * step:.0f},{top + (height - top - 50) * (1 - value / high):.0f}"
            for number, value in enumerate(values)
        )
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'

    cores = max(*(one.processors for one in loads), 1.0)
    marks = "".join(
        f'<text x="{left + number * step:.0f}" y="{height - 28}" text-anchor="middle">{one.sessions}</text>'
        for number, one in enumerate(loads)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{left}" y="22">320x180 at {fps:g} frames a second, two cores, clients included</text>'
        f'<text x="8" y="{top + 4}">{high_ms:.0f} ms</text><text x="8" y="{height - 50}">0</text>{marks}'
        f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">sessions at once</text>'
        f"{line([one.p50_ms for one in loads], high_ms, '#1f77b4')}"
        f"{line([one.p95_ms for one in loads], high_ms, '#d62728')}"
        f"{line([one.processors for one in loads], cores, '#7f7f7f')}"
        f'<text x="{left}" y="42" fill="#1f77b4">age p50</text>'
        f'<text x="{left + 80}" y="42" fill="#d62728">age p95</text>'
        f'<text x="{left + 160}" y="42" fill="#7f7f7f">cores, of {cores:.1f}</text></svg>\n'
    )


if __name__ == "__main__":
    raise SystemExit(main())
