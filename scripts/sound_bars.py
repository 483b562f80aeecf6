"""What picture and sound must keep to, measured here: `uv run python scripts/sound_bars.py sync|away`.

`sync`: claps for a minute into a recording and an RTMP stream, which Debian's ffmpeg takes as a server; every frame is
made 40 ms slower halfway, the microphone's clock runs 300 millionths too fast. `away`: that server is killed for ten
seconds while a recording and another output go on. Needs `ffmpeg`; measure on a quiet computer.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import psutil

from mien.diagnostics.bench.sync import Sync, bench_sync, halves, measured
from mien.pipeline.frame import OutputFormat
from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions

SECONDS: Final = 60.0
AWAY_S: Final = 10.0
SIZE: Final = OutputFormat(640, 360, Fraction(30))


def sync(folder: Path) -> dict[str, Any]:
    """Measure claps in the recording and in what the server got."""
    port, got = free_port(), folder / "got.mkv"
    server = serving(port, got)
    result = bench_sync(SECONDS, SIZE, slow_stage_ms=40, microphone_ppm=300, specs=(address_of(port),))
    server.wait(20)
    return {"recording": judged(result.whole), "rtmp": judged(measured(got)), "age_ms": asdict(result.report.age_ms)}


def judged(found: Sync) -> dict[str, Any]:
    """Give the numbers beside their bars."""
    first_ms, second_ms = halves(found)
    return {
        "first half, median, at most 20 ms": first_ms,
        "second half, median, at most 20 ms": second_ms,
        "worst clap, at most 40 ms": found.worst_ms,
        "drift, at most 2 ms a minute": found.drift_ms_per_minute,
        "claps": found.claps,
    }


def away(folder: Path) -> dict[str, Any]:
    """Kill the server for ten seconds."""
    port = free_port()
    server = serving(port, folder / "before.mkv")
    words = [
        "run",
        "--camera",
        "synthetic",
        "--microphone",
        "synthetic",
        "--consent",
        "public-domain",
        "--size",
        "640x360",
    ]
    sinks = ["--sink", f"file:{folder / 'show.mp4'}", "--sink", "null", "--sink", address_of(port)]
    run = subprocess.Popen([sys.executable, "-m", "mien", *words, *sinks], stdin=subprocess.DEVNULL)
    try:
        client = connected(run.pid)
        watched(client, 10)
        before = watched(client, 15)
        server.kill()
        server.wait()
        during = watched(client, AWAY_S)
        after, back_s = came_back(port, folder / "after.ts")
        watched(client, 5)
        at_end = watched(client, 15)
        written = [(one["description"], one["state"], one["dropped"]) for one in client.status()["run"]["sinks"]]
        client.stop()
        run.wait(30)
        after.wait(20)
    finally:
        run.kill()
        server.kill()
    return {
        "back after, at most 5 s": back_s,
        "age p95 meanwhile against before, at most 1.10": round(during["age_ms"] / before["age_ms"], 3),
        "memory at the end against before, MB": [before["rss_mb"], at_end["rss_mb"]],
        "age p95 before, meanwhile, after": [before["age_ms"], during["age_ms"], at_end["age_ms"]],
        "outputs": written,
    }


def connected(pid: int) -> SessionClient:
    """Wait for the session of a process, and connect."""
    for _ in range(600):
        for running in running_sessions():
            if running.pid == pid:
                return SessionClient(running).__enter__()
        time.sleep(0.1)
    raise SystemExit("the session did not begin")


def watched(client: SessionClient, seconds: float) -> dict[str, float]:
    """Watch a session for a while: the median of its p95, and its memory."""
    process = psutil.Process(running_sessions()[-1].pid)
    ends_s, ages = time.monotonic() + seconds, list[float]()
    while time.monotonic() < ends_s:
        if (age := client.status()["run"].get("recent_age_p95_ms")) is not None:
            ages.append(age)
        time.sleep(0.5)
    return {"age_ms": round(statistics.median(ages or [0.0]), 1), "rss_mb": round(process.memory_info().rss / 1e6, 1)}


def came_back(port: int, got: Path) -> "tuple[subprocess.Popen[bytes], float]":
    """Start the server again; give it, and how long it waited for pictures: MPEG-TS, which is written as it comes."""
    server, began_s = serving(port, got), time.monotonic()
    while not (got.exists() and got.stat().st_size) and time.monotonic() - began_s < 30:
        time.sleep(0.05)
    return server, round(time.monotonic() - began_s, 2)


def serving(port: int, got: Path) -> "subprocess.Popen[bytes]":
    """Let Debian's ffmpeg take one stream and write it as it comes."""
    # Else it looks at the stream for up to five seconds before it writes.
    words = ["-y", "-loglevel", "error", "-analyzeduration", "500000", "-listen", "1", "-i", address_of(port)]
    words += ["-c", "copy", "-flush_packets", "1"]
    server = subprocess.Popen(["/usr/bin/ffmpeg", *words, str(got)], stdin=subprocess.DEVNULL)
    time.sleep(0.5)
    return server


def address_of(port: int) -> str:
    """Give the address of the server."""
    return f"rtmp://127.0.0.1:{port}/live/key"


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def main(words: Iterable[str]) -> None:
    """Measure what is asked for, or both."""
    bars = {"sync": sync, "away": away}
    for word in list(words) or list(bars):
        with tempfile.TemporaryDirectory(prefix="mien-bars-") as folder:
            print(json.dumps({word: bars[word](Path(folder))}, indent=2, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
