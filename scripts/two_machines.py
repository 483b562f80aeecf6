"""Two machines on one: network namespaces with a line between them, `mien serve` in one, `mien run` in the other.

For the bars of the swap elsewhere. Real processes and packets; a run is watched from outside as `mien ctl` does it.
"""

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bad_line import BadLine, Weather
from mien.session.client import ControlError, SessionClient
from mien.session.rendezvous import Running

HERE: Final = ("mien-here", "10.77.0.1")
THERE: Final = ("mien-there", "10.77.0.2")
PORT: Final = 7420
SIZE: Final = (320, 180)
_LOOK_S: Final = 0.2
_MORE_S: Final = 240
"""So much longer than it should a run may take."""
_OTHER_VERSION: Final = (
    "import sys, mien.remote.protocol as protocol; protocol.VERSION = int(sys.argv.pop(1));"
    "from mien.cli.main import start; start()"
)


@contextlib.contextmanager
def two_machines(weather: Weather | None) -> Generator[None]:
    """Lay both machines and the line between them; gone after the block."""
    _remove()
    try:
        for name, _ in (HERE, THERE):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        if weather is not None:
            with BadLine(weather, (HERE, THERE)):
                yield
            return
        ip("link", "add", "eth0", "netns", HERE[0], "type", "veth", "peer", "name", "eth0", "netns", THERE[0])
        for name, address in (HERE, THERE):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        _remove()


def ip(*words: str) -> None:
    """Call the program of that name."""
    subprocess.run(["ip", *words], check=True)


def _remove() -> None:
    for name, _ in (HERE, THERE):
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def python_in(namespace: str, folder: Path, *words: str) -> list[str]:
    """Give the command that runs Python on a machine, whose own folders are in that one."""
    places = [f"MIEN_{kind}_DIR={folder / kind.lower()}" for kind in ("DATA", "STATE", "CONFIG")]
    return ["ip", "netns", "exec", namespace, "env", *places, sys.executable, *words]


class Box:
    """`mien serve`. Has state: its process."""

    def __init__(self, folder: Path, *words: str) -> None:
        """Take where its folders are, and what else is said on its command line."""
        self._folder, self._words = folder, words
        self._process: subprocess.Popen[str] | None = None
        self.code = ""

    @property
    def address(self) -> str:
        """As `--remote` takes it."""
        return f"{THERE[1]}:{PORT}"

    def start(self, version: int | None = None) -> None:
        """Begin, as one of that version of the protocol; done when it serves."""
        program = ["-m", "mien"] if version is None else ["-c", _OTHER_VERSION, str(version)]
        words = [*program, "serve", "--host", THERE[1], "--port", str(PORT), *self._words]
        self._process = subprocess.Popen(python_in(THERE[0], self._folder, *words), stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise RuntimeError("it has no output")
        self.code = self._process.stdout.readline().split()[1]

    def end(self, *, at_once: bool = False) -> None:
        """End it, as a person would or as a power cut does."""
        if self._process is not None:
            (self._process.kill if at_once else self._process.terminate)()
            self._process.wait(60)

    def metrics(self) -> dict[str, float]:
        """Ask it for its numbers."""
        words = ["curl", "-sk", f"https://{self.address}/metrics"]
        text = subprocess.run(["ip", "netns", "exec", THERE[0], *words], check=True, capture_output=True, text=True)
        pairs = (line.rsplit(" ", 1) for line in text.stdout.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a run has seen."""

    at_s: float
    """On this process's clock."""
    state: str
    is_there: bool
    """Whether the other machine swaps what is shown."""
    why: str
    """What is said of the other machine."""
    age_p95_ms: float | None
    """Of the last 31 frames."""


class Laptop:
    """`mien run --remote`. Has state: its process, and what was seen of it."""

    def __init__(self, folder: Path, box: Box | None, photo: Path, wish: "RunWish") -> None:
        """Take where its folders, recording and report are, who swaps for it, and with which photo."""
        self._folder, self._wish = folder, wish
        folder.mkdir(parents=True, exist_ok=True)
        self.film = folder / "out.mp4"
        self.film.unlink(missing_ok=True)
        remote = [] if box is None else ["--remote", box.address, "--pair", box.code]
        words = ["--face", str(photo), "--consent", "synthetic", *remote, "--camera", "synthetic"]
        words += ["--size", "x".join(map(str, SIZE)), "--fps", f"{wish.fps}", "--colour", "none", "--no-detail"]
        words += ["--sink", f"file:{self.film}", "--seconds", str(wish.seconds), "--microphone", "none"]
        words += ["--report", str(folder / "run.json"), *wish.words]
        self._process = subprocess.Popen(python_in(HERE[0], folder, "-m", "mien", "run", *words))
        self.looks: list[Look] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def report(self) -> dict[str, Any]:
        """Wait for the end of the run, and read its report."""
        self._process.wait(self._wish.seconds + _MORE_S)
        found: dict[str, Any] = json.loads((self._folder / "run.json").read_text())
        return found

    def set(self, **values: Any) -> None:  # noqa: ANN401 - settings
        """Change settings, as `mien ctl set` does."""
        with contextlib.suppress(ControlError), self._client() as client:
            client.set(values)

    def back_after_s(self, moment_s: float) -> float | None:
        """Say how long after that moment the other machine swapped what was shown; None where it never did again."""
        return next((round(one.at_s - moment_s, 1) for one in self.looks if one.at_s > moment_s and one.is_there), None)

    def seen(self, first_s: float, last_s: float) -> Sequence[Look]:
        """Give the looks between two moments."""
        return [one for one in self.looks if first_s <= one.at_s < last_s]

    def _client(self) -> SessionClient:
        files = sorted((self._folder / "state" / "control").glob("*.json"), key=lambda path: path.stat().st_mtime)
        if not files:
            raise ControlError("it has not begun")
        return SessionClient(Running(**json.loads(files[-1].read_text())))

    def _watch(self) -> None:
        while self._process.poll() is None:
            with contextlib.suppress(ControlError), self._client() as client:
                while True:
                    self.looks.append(_look(client.status()))
                    time.sleep(_LOOK_S)
            time.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class RunWish:
    """How a laptop runs."""

    seconds: int
    fps: float = 15
    words: tuple[str, ...] = ()

    def but(self, **changes: Any) -> "RunWish":  # noqa: ANN401 - of its fields
        """Give another one."""
        return dataclasses.replace(self, **changes)


def _look(status: Any) -> Look:  # noqa: ANN401 - JSON
    run, remote = status["run"], status["remote"] or {}
    is_there = run["state"] == "live" and remote.get("state") == "ready" and not remote.get("is_taken_over")
    return Look(time.monotonic(), run["state"], is_there, remote.get("why", ""), run["recent_age_p95_ms"])
