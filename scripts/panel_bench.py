"""How soon the panel is there, and what an open page costs the stream: `uv run python scripts/panel_bench.py`."""

import asyncio
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions

STARTS: Final = 5
SECONDS: Final = 20.0


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


def ages_ms(seconds: float) -> list[float]:
    """Give how old frames were, by looks of the session's own meter."""
    found: list[float] = []
    ends_s = time.monotonic() + seconds
    with SessionClient(running_sessions()[-1]) as client:
        while time.monotonic() < ends_s:
            run = client.status()["run"]
            age = run.get("recent_age_p95_ms") if isinstance(run, dict) else None
            if isinstance(age, float):
                found.append(age)
            time.sleep(0.5)
    return found


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


async def both(port: int, cookie: str) -> tuple[list[float], int]:
    """Measure while the preview is watched."""
    looks = asyncio.create_task(asyncio.to_thread(ages_ms, SECONDS))
    pictures = await watch(port, cookie, SECONDS)
    return await looks, pictures


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {f"MIEN_{kind}_DIR": str(Path(folder) / kind) for kind in ("DATA", "CONFIG", "STATE")}
        os.environ |= {"MIEN_CAMERA": "synthetic", "MIEN_SINKS": "null"}
        times: list[float] = []
        for number in range(1, STARTS):
            took_s, panel, _ = first_page_s(8600 + number)
            times.append(took_s)
            panel.send_signal(signal.SIGINT)
            panel.wait()
        took_s, panel, cookie = first_page_s(8600)
        times.append(took_s)
        while not running_sessions():
            time.sleep(0.5)
        time.sleep(10)
        closed = statistics.median(ages_ms(SECONDS))
        looks, pictures = asyncio.run(both(8600, cookie))
        opened = statistics.median(looks)
        panel.send_signal(signal.SIGINT)
        panel.wait()
        with SessionClient(running_sessions()[-1]) as client:
            client.stop()
    print(
        json.dumps(
            {
                "first_page_s": round(statistics.median(times), 2),
                "age_p95_ms": {"closed": round(closed, 1), "open": round(opened, 1)},
                "change": f"{opened / closed - 1:+.1%}",
                "pictures_a_second": round(pictures / SECONDS, 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
