"""Runs a target's child process, starts it again when an input ends it, and sums up what was found."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import psutil
from shrinking import shrunk

_LOOK_S: Final = 0.05
_QUICK: Final = "/dev/shm"  # noqa: S108 - what is made in it has a name of its own
"""Inputs are written for every run; on Linux this folder is memory."""
_START_S: Final = 1800.0
"""A loaded machine takes its time to import torch."""
_SHRINK_S: Final = 60.0
_WALL_TIMES: Final = 6.0
"""So many times the limit of processor time may pass on the clock: other programs want the processor too."""
_HANG: Final = "hang"
_MEMORY: Final = "too much memory"
_CHILD: Final = Path(__file__).with_name("child.py")
_OUR_FRAME: Final = re.compile(r'File ".*?/(?:mien|mien_models|mien_export)/([\w/]+)\.py", line \d+ in (\w+)')


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, and how much."""

    seconds: float
    hang_s: float
    memory_mb: int


@dataclass(slots=True)
class Summary:
    """What became of a target."""

    counts: Counter[str] = field(default_factory=Counter[str])
    peak_mb: int = 0
    slowest_s: float = 0.0
    deaths: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def add(self, status: Any) -> None:  # noqa: ANN401 - JSON
        """Add what a child has written down."""
        self.counts.update({name: int(status.get(name, 0)) for name in ("runs", "refused")})
        self.peak_mb = max(self.peak_mb, int(status.get("peak_mb", 0)))
        self.slowest_s = max(self.slowest_s, float(status.get("slowest_s", 0)))


def fuzz(name: str, limits: Limits, seed: int, found: Path) -> int:
    """Fuzz one target; 1 when anything was found.

    Args:
        name: of the target.
        limits: of its time and memory.
        seed: begins the random numbers.
        found: the folder for what is found; it is made where there is anything.
    """
    summary = Summary()
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-", dir=_QUICK if Path(_QUICK).is_dir() else None) as made:
        work = Path(made)
        ends_s = time.monotonic() + limits.seconds
        while (left_s := ends_s - time.monotonic()) > 1:
            began_s = time.monotonic()
            _one_child(["fuzz", name, work, left_s, seed, limits.memory_mb], work, limits, summary)
            seed += 1
            if not (work / "ready").exists():
                print(f"{name}: the target does not start; see above.", file=sys.stderr)
                return 2
            ends_s += max(0.0, (work / "ready").stat().st_mtime - _wall(began_s))  # starting does not count
        return _summed_up(name, work, summary, limits, found)


def _wall(monotonic_s: float) -> float:
    """Bring a monotonic moment to the clock of files."""
    return time.clock_gettime(time.CLOCK_REALTIME) - (time.monotonic() - monotonic_s)


def _one_child(words: Sequence[object], work: Path, limits: Limits, summary: Summary) -> None:
    """Run one child until its time is over or an input ends it."""
    for file in ("ready", "status.json", "current"):
        (work / file).unlink(missing_ok=True)
    said = work / "said"
    with said.open("wb") as output:
        child = subprocess.Popen(_command(*words), stdout=output, stderr=output, cwd=work)
        why = _watched(child, work, limits)
        child.wait()
    status = work / "status.json"
    if status.exists():
        summary.add(json.loads(status.read_text()))
    text = said.read_text(errors="replace")
    if not (work / "ready").exists():
        print(text[-4000:], file=sys.stderr)
        return
    if why is None and child.returncode != 0:
        why = _death(child.returncode)
    if why is not None:
        sign = _sign(why, text)
        current = work / "current"
        if sign not in summary.deaths:
            summary.deaths[sign] = current.read_bytes() if current.exists() else b""
            (work / f"death-{len(summary.deaths)}.txt").write_text(text[-20000:])
        summary.counts["deaths"] += 1


def _watched(child: "subprocess.Popen[bytes]", work: Path, limits: Limits) -> str | None:
    """Wait for a child; say why it was ended, None when it ended itself."""
    process, current = psutil.Process(child.pid), work / "current"
    seen_ns, used_s, since_s = 0, 0.0, time.monotonic()
    while child.poll() is None:
        time.sleep(_LOOK_S)
        is_ready = (work / "ready").exists()
        try:
            times = cast("Any", process.cpu_times())
            memory_mb = _memory_mb(process)
            changed_ns = current.stat().st_mtime_ns if current.exists() else 0
        except (psutil.Error, OSError):
            continue
        now_s, cpu_s = time.monotonic(), float(times.user + times.system + times.children_user)
        is_running = changed_ns != 0
        if changed_ns != seen_ns or not is_running:
            seen_ns, used_s, since_s = changed_ns, cpu_s, now_s if is_ready else since_s
        limit_s = _WALL_TIMES * limits.hang_s if is_ready else _START_S
        if memory_mb > limits.memory_mb:
            return _ended(child, _MEMORY)
        if cpu_s - used_s > limits.hang_s or now_s - since_s > limit_s:
            return _ended(child, _HANG)
    return None


def _memory_mb(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(float(one.memory_info().rss) for one in family) / 2**20


def _ended(child: "subprocess.Popen[bytes]", why: str) -> str:
    """Let a child say where it is, then end it."""
    os.kill(child.pid, signal.SIGUSR1)
    time.sleep(1)
    child.kill()
    return why


def _death(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"exit {status}"
    except ValueError:
        return f"signal {-status}"


def _summed_up(name: str, work: Path, summary: Summary, limits: Limits, found: Path) -> int:
    exceptions = sorted((work / "exceptions").glob("*.input"))
    lines: list[str] = []
    for file in exceptions:
        how = file.with_suffix(".txt").read_text()
        sign = how.splitlines()[0]
        kept = _kept(found, sign, file.read_bytes(), how)
        subprocess.run(_command("shrink", name, kept, sign, _SHRINK_S), check=False, capture_output=True)
        lines.append(f"{sign}: {kept}")
    for number, (sign, content) in enumerate(summary.deaths.items(), start=1):
        kept = _kept(found, sign, content, sign + "\n\n" + (work / f"death-{number}.txt").read_text())
        fails = _fails_by(sign, name, limits)
        if sign.startswith(_MEMORY):  # a process of its own has no such limit
            lines.append(f"{sign}: {kept}")
        elif fails(content):
            kept.write_bytes(shrunk(content, fails, budget_s=_SHRINK_S))
            lines.append(f"{sign}: {kept}")
        else:
            lines.append(f"{sign}, but not when it was run again alone: {kept}")
    print(
        f"{name}: {summary.counts['runs']} runs, {summary.counts['refused']} refused, {len(exceptions)} kinds of "
        f"exceptions, {len(summary.deaths)} kinds of deaths ({summary.counts['deaths']} in all), slowest "
        f"{summary.slowest_s:.1f} s, peak {summary.peak_mb} MB"
    )
    for line in lines:
        print(f"  {line}")
    return 1 if lines else 0


def _kept(found: Path, sign: str, content: bytes, how: str) -> Path:
    """Keep an input, and how it failed."""
    found.mkdir(parents=True, exist_ok=True)
    file = found.absolute() / f"{hashlib.sha256(sign.encode()).hexdigest()[:12]}.input"
    file.with_suffix(".txt").write_text(how)
    file.with_suffix(".whole").write_bytes(content)
    file.write_bytes(content)
    return file


def _fails_by(sign: str, name: str, limits: Limits) -> Callable[[bytes], bool]:
    def fails(content: bytes) -> bool:
        found = _sign_of(name, content, limits)
        return found is not None and (found == sign or (found == _HANG and sign.startswith(_HANG)))

    return fails


def _sign_of(name: str, content: bytes, limits: Limits) -> str | None:
    """Run one input in a process of its own; give how it ends that, None when it does not."""
    with tempfile.NamedTemporaryFile(prefix="fuzz-one-") as one:
        one.write(content)
        one.flush()
        command = _command("once", name, one.name)
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=_WALL_TIMES * limits.hang_s)
        except subprocess.TimeoutExpired:
            return _HANG
    return _sign(_death(done.returncode), done.stderr.decode(errors="replace")) if done.returncode < 0 else None


def _sign(why: str, said: str) -> str:
    """Name how a process ended and where, by what faulthandler wrote."""
    place = _OUR_FRAME.search(said.rpartition("Fatal Python error")[2])
    return why if place is None else f"{why} in {place[1].rpartition('/')[2]}.{place[2]}"


def _command(*words: object) -> list[str]:
    return [sys.executable, str(_CHILD), *map(str, words)]
