"""Runs a step in a process of its own, for so long and no longer; what it has found by then is kept."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SOURCES: Final = ("realtime", "models", "export", "scripts")
_LAST_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to measure."""

    name: str
    module: str
    """Of `gpu_check.steps`."""
    order: Mapping[str, Any]
    """What it is told."""
    longest_s: float
    route: str = ""
    """Which folder of packages it needs: 'cuda', 'rtx'; '' where any will do."""
    must_pass: bool = True
    """Whether the check has failed when this has not done all that it should on the card."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step."""

    step: Step
    found: tuple[dict[str, Any], ...] = ()
    """What it wrote, one after the other."""
    fault: str = ""
    """Why it did not come to its end; '' when it did."""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    """Its last words on standard error, when it did not."""

    @property
    def is_right(self) -> bool:
        """Whether it came to its end and nothing that it found is wrong."""
        return not self.fault and bool(self.found) and all(not one.get("fault") for one in self.found)


def run(step: Step, sites: Sequence[Path], work: Path, seconds: float) -> Outcome:
    """Run a step.

    Args:
        step: what.
        sites: folders of packages, the first one first.
        work: where steps keep what others need too; the step writes what it finds into a file there.
        seconds: at most, whatever the step would be given.
    """
    longest_s = min(step.longest_s, seconds)
    told = work / "found.jsonl"
    told.unlink(missing_ok=True)
    order = json.dumps({**step.order, "work": str(work), "into": str(told), "seconds": longest_s})
    began_s = time.monotonic()
    log = work / "step.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"gpu_check.steps.{step.module}", order],
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            env=environment(sites, work),
            cwd=work,
            start_new_session=True,
        )
        fault = _waited(process, longest_s)
    seconds_taken = round(time.monotonic() - began_s, 1)
    words = log.read_text("utf-8", errors="replace").strip().splitlines()
    return Outcome(step, _read(told), fault, seconds_taken, tuple(words[-_LAST_WORDS:]) if fault else ())


def environment(sites: Sequence[Path], work: Path) -> dict[str, str]:
    """Give the environment of a step: the checkout's sources and the folders of packages, Mien's folders in `work`."""
    told = _named(work / "named")
    paths = [*map(str, sites), *(str(ROOT / one) for one in _SOURCES), str(told), os.environ.get("PYTHONPATH", "")]
    folders = {f"MIEN_{kind}_DIR": str(work / "mien" / kind.lower()) for kind in ("DATA", "CONFIG", "STATE")}
    return {**os.environ, **folders, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}


def _named(folder: Path) -> Path:
    """Say of the checkout what an installed package says of itself: Mien asks for its own version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = folder / f"{project['name']}-{project['version']}.dist-info" / "METADATA"
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8")
    return folder


def _waited(process: "subprocess.Popen[bytes]", longest_s: float) -> str:
    try:
        status = process.wait(longest_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"it was given {longest_s:.0f} s and took longer"
    return "" if status == 0 else f"its process ended with status {status}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it and what it started: they share a session of processes."""
    if sys.platform != "win32":
        import signal

        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _read(path: Path) -> tuple[dict[str, Any], ...]:
    if not path.is_file():
        return ()
    found: list[dict[str, Any]] = []
    for line in path.read_text("utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            # The last line of a process that was ended in the middle of it.
            break
    return tuple(found)
