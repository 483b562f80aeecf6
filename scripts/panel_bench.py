"""How soon the panel is there, and what an open page costs the stream: `uv run python scripts/panel_bench.py`."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions

STARTS: Final = 5
SECONDS: Final = 12.0
ROUNDS: Final = 5


def first_page_s(port: int) -> tuple[float, "subprocess.Popen[str]", str]:
    """Start a panel and give the seconds until its first page was answered, the process and the cookie."""
    began_s = time.monotonic()
    command = [sys.executable, "-m", "mien", "panel", "--no-browser", "--port", str(port)]
    panel = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    address = "" if panel.stdout is None else panel.stdout.readline().strip()
    cookie = ask(port, f"/?{urlsplit(address).query}")[1].partition(";")[0]
    status, _ = ask(port, "/start", cookie)
    if status != 200:
        raise SystemExit(f"the first page answered {status}")
    return time.monotonic() - began_s, panel, cookie


def ask(port: int, path: str, cookie: str = "") -> tuple[int, str]:
    """Ask for a page; give its status and the cookie that it sets."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("set-cookie") or ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a few seconds cost."""

    age_p95_ms: float
    cpu_ms: float
    """Of the session's process, for each frame that came in."""
    pictures: float = 0.0
    """Previews a second."""


def looked(seconds: float) -> Look:
    """Watch the session for a while."""
    running = running_sessions()[-1]
    process = psutil.Process(running.pid)
    ages: list[float] = []
    with SessionClient(running) as client:
        began_s, began_frames = _cpu_s(process), _frames(client)
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            run = client.status()["run"]
            age = run.get("recent_age_p95_ms") if isinstance(run, dict) else None
            if isinstance(age, float):
                ages.append(age)
            time.sleep(0.5)
        frames = max(_frames(client) - began_frames, 1)
    return Look(statistics.median(ages), (_cpu_s(process) - began_s) * 1000 / frames)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _frames(client: SessionClient) -> int:
    run = client.status()["run"]
    found = run.get("frames_in") if isinstance(run, dict) else 0
    return found if isinstance(found, int) else 0


async def watch(port: int, cookie: str, seconds: float) -> int:
    """Take the preview as a browser does; give how many pictures came."""
    from websockets.asyncio.client import connect

    pictures = 0
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
    async with connect(f"ws://127.0.0.1:{port}/preview", additional_headers=headers, max_size=2**24) as socket:
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            await socket.send(json.dumps({"width": 960, "camera": False}))
            pictures += isinstance(await socket.recv(), bytes)
    return pictures


async def opened(port: int, cookie: str) -> Look:
    """Measure while the preview is watched."""
    look = asyncio.create_task(asyncio.to_thread(looked, SECONDS))
    pictures = await watch(port, cookie, SECONDS)
    return replace(await look, pictures=pictures / SECONDS)


def change(looks: list[tuple[Look, Look]], value: Callable[[Look], float]) -> dict[str, object]:
    """Give the medians, closed and open, and the median of the ratios of neighbours."""
    closed, open_ = (statistics.median(value(pair[which]) for pair in looks) for which in (0, 1))
    ratio = statistics.median(value(after) / value(before) for before, after in looks)
    return {"closed": round(closed, 1), "open": round(open_, 1), "change": f"{ratio - 1:+.1%}"}


def end_sessions(folder: str) -> None:
    """End what the panels started, also what has not announced itself yet; all of it was told a file in this folder."""
    left = [one for one in psutil.process_iter() if any(folder in word for word in _words(one))]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(left, timeout=20)[1]:
        process.kill()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # another user's, or gone
        return []


def first_pages(folder: str) -> tuple[float, "subprocess.Popen[str]", str]:
    """Start the panel several times; give the median time, and the last one, which goes on."""
    times: list[float] = []
    for number in range(1, STARTS):
        took_s, panel, _ = first_page_s(8600 + number)
        times.append(took_s)
        panel.send_signal(signal.SIGINT)
        panel.wait()
        end_sessions(folder)
    took_s, panel, cookie = first_page_s(8600)
    return statistics.median([*times, took_s]), panel, cookie


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {f"MIEN_{kind}_DIR": str(Path(folder) / kind) for kind in ("DATA", "CONFIG", "STATE")}
        os.environ |= {"MIEN_CAMERA": "synthetic", "MIEN_SINKS": "null"}
        try:
            first_s, panel, cookie = first_pages(folder)
            while not running_sessions():
                time.sleep(0.5)
            time.sleep(10)
            # Neighbours are compared: what else the machine does is much the same for both.
            looks = [(looked(SECONDS), asyncio.run(opened(8600, cookie))) for _ in range(ROUNDS)]
            panel.send_signal(signal.SIGINT)
            panel.wait()
        finally:
            end_sessions(folder)
    found = {
        "first_page_s": round(first_s, 2),
        "age_p95_ms": change(looks, lambda look: look.age_p95_ms),
        "cpu_ms_a_frame": change(looks, lambda look: look.cpu_ms),
        "pictures_a_second": round(statistics.median(after.pictures for _, after in looks), 1),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
