"""Put a line through what lines go through, and count what is seen: `sudo python scripts/remote_bars.py cut -o FOLDER`.

Two network namespaces, `mien serve` in one and `mien run --remote` in the other, real processes and packets, which
`bad_line` delays, loses and reorders. Source faces have blue or green skin, so that every frame of a recording can be
judged by its colour: a run's own face, another's, or warm skin, which is the real one. Prints one JSON.
"""

import argparse
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Final

import av
import cv2
import numpy as np

from bad_line import Weather
from mien.pipeline.live.slates import CARDS, Slates
from mien.remote.protocol import VERSION
from mien.tracking.photo import public_domain_photo
from two_machines import HERE, SIZE, THERE, Box, Laptop, Look, RunWish, ip, python_in, two_machines

_SKIN: Final = (slice(62, 98), slice(140, 180))
"""Rows and columns that lie within the face of the synthetic camera."""
_NOISE: Final = 4.0
"""Mean difference, in levels, that a codec makes."""
_CLEAR: Final = 15.0
"""By so many levels the strongest channel exceeds that of another colour of skin."""
_COLOURS: Final = {"blue": (2, 1, 0), "green": (0, 2, 1)}
"""Which channels of the photo become blue, green and red: of skin red is the strongest."""
_CUT_S: Final = 5.0
_OTHER_VERSION_S: Final = 8.0
_ERROR_S: Final = 3.0
_TOO_MANY: Final = 3.0
"""So many times as many sessions as the machine has seats for are an overload."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens to the packets of each direction, and what else while a run goes on."""

    play: "Callable[[Stage], dict[str, Any]]"
    weather: Weather | None = None
    words: tuple[str, ...] = ()
    """On the command line of the machine that swaps."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scene is played."""

    folder: Path
    box: Box
    wish: RunWish

    def laptop(self, colour: str = "blue", *, remote: bool = True, **changes: Any) -> Laptop:  # noqa: ANN401 - fields
        """Begin a run with a face of that colour."""
        photo = self.folder / f"{colour}.png"
        _write_photo(photo, colour)
        return Laptop(self.folder / colour, self.box if remote else None, photo, self.wish.but(**changes))

    def wait(self, part: float) -> None:
        """Let that part of the run's time pass."""
        time.sleep(self.wish.seconds * part)


def main() -> int:
    """Play one scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=_SCENES)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--fps", type=float, default=15)
    parser.add_argument("--no-takeover", action="store_true", help="Show the card while the other machine is away.")
    wish = parser.parse_args()
    wish.output.mkdir(parents=True, exist_ok=True)
    scene = _SCENES[wish.scene]
    words = ("--no-remote-takeover",) if wish.no_takeover else ()
    box = Box(wish.output / "there", *scene.words)
    with two_machines(scene.weather):
        box.start()
        try:
            found = scene.play(Stage(wish.output, box, RunWish(wish.seconds, wish.fps, words)))
        finally:
            box.end()
    print(json.dumps({"scene": wish.scene, **found}, indent=1))
    return 0


def _calm(stage: Stage) -> dict[str, Any]:
    return _seen(stage.laptop(), "blue")


def _local(stage: Stage) -> dict[str, Any]:
    return _seen(stage.laptop(remote=False), "blue")


def _cut(stage: Stage) -> dict[str, Any]:
    """Cut the line for five seconds."""
    laptop = stage.laptop()
    stage.wait(0.6)
    ip("-n", THERE[0], "link", "set", "eth0", "down")
    time.sleep(_CUT_S)
    ip("-n", THERE[0], "link", "set", "eth0", "up")
    back_s = time.monotonic()
    return _seen(laptop, "blue", back_s)


def _killed(stage: Stage) -> dict[str, Any]:
    """Kill the machine that swaps, and start it again."""
    laptop = stage.laptop()
    stage.wait(0.6)
    stage.box.end(at_once=True)
    stage.box.start()
    back_s = time.monotonic()
    return _seen(laptop, "blue", back_s)


def _version(stage: Stage) -> dict[str, Any]:
    """Replace the machine that swaps by one of the next version of the protocol, and that one by the old one again."""
    laptop = stage.laptop()
    stage.wait(0.4)
    stage.box.end()
    stage.box.start(VERSION + 1)
    began_s = time.monotonic()
    time.sleep(_OTHER_VERSION_S)
    said = Counter(look.why for look in laptop.seen(began_s, time.monotonic()))
    stage.box.end()
    stage.box.start()
    back_s = time.monotonic()
    return {"said of the other version": said, **_seen(laptop, "blue", back_s)}


def _overloaded(stage: Stage) -> dict[str, Any]:
    """Let three times as many sessions come as the machine has seats for by its own measure, and go again."""
    laptop = stage.laptop()
    stage.wait(0.3)
    before = stage.box.metrics()
    seats = max(int((os.cpu_count() or 1) * 850 / (before["mien_frame_ms"] * stage.wish.fps)), 1)
    many = round(seats * _TOO_MANY) - 1
    clients = Path(__file__).with_name("remote_clients.py")
    words = [str(clients), stage.box.address, stage.box.code, "--count", str(many), "--fps", str(stage.wish.fps)]
    crowd = subprocess.Popen(python_in(HERE[0], stage.folder / "crowd", *words), stdout=subprocess.DEVNULL)
    stage.wait(0.35)
    loaded = stage.box.metrics()
    crowd.terminate()
    crowd.wait(60)
    back_s = time.monotonic()
    seconds = stage.wish.seconds * 0.35
    return {
        "seats by its own measure": seats,
        "sessions": loaded["mien_seats_taken"],
        "frames a second, wanted and worked on": (
            loaded["mien_seats_taken"] * stage.wish.fps,
            round((loaded["mien_frames_total"] - before["mien_frames_total"]) / seconds, 1),
        ),
        "shown meanwhile": Counter(_shown_by(look) for look in laptop.seen(back_s - seconds / 2, back_s)),
        **_seen(laptop, "blue", back_s),
    }


def _two(stage: Stage) -> dict[str, Any]:
    """Let two runs with different faces have one machine; in the second half one of them gives orders that fail."""
    blue, green = stage.laptop("blue"), stage.laptop("green")
    began_s = time.monotonic()
    stage.wait(0.5)
    middle_s, errors = time.monotonic(), 0
    while time.monotonic() - began_s < stage.wish.seconds - _ERROR_S:
        # The other machine has no such network: it refuses, the line ends, another one is begun.
        green.set(swapper=_MISSING if errors % 2 == 0 else "mesh")
        errors += 1
        time.sleep(_ERROR_S)
    halves = blue.seen(began_s + _SETTLED_S, middle_s), blue.seen(middle_s, time.monotonic())
    said = Counter(look.why for look in green.seen(middle_s, time.monotonic()))
    return {
        "age p95 of blue in each half, ms": [_mean_age_ms(half) for half in halves],
        "orders that failed": errors,
        "said to green meanwhile": said,
        "blue": _seen(blue, "blue"),
        "green": _seen(green, "green"),
    }


_MISSING: Final = "inswapper_128"
_SETTLED_S: Final = 8.0
_SCENES: Final = {
    "local": Scene(_local),
    "loopback": Scene(_calm),
    "far": Scene(_calm, Weather(delay_s=0.02, loss=0.01)),
    "reordered": Scene(_calm, Weather(delay_s=0.02, jitter_s=0.02)),
    "narrow": Scene(_calm, Weather(delay_s=0.02, bits_per_s=400_000)),
    "cut": Scene(_cut),
    "killed": Scene(_killed),
    "version": Scene(_version),
    "overloaded": Scene(_overloaded, words=("--seats", "64")),
    "two": Scene(_two),
}


def _seen(laptop: Laptop, colour: str, event_over_s: float | None = None) -> dict[str, Any]:
    """Judge a run once it has ended; of an event, how long after it the other machine swapped again."""
    report = laptop.report()
    kept = ("frames_in", "frames_swapped", "frames_hidden", "repeated", "age_ms", "failures", "remote", "state_changes")
    back = {} if event_over_s is None else {"back_after_s": laptop.back_after_s(event_over_s)}
    return {"frames": Counter(_kinds(laptop.film, colour)), **back, **{key: report.get(key) for key in kept}}


def _shown_by(look: Look) -> str:
    return "the other machine" if look.is_there else "this machine" if look.state == "live" else look.state


def _mean_age_ms(looks: Sequence[Look]) -> float | None:
    ages = [look.age_p95_ms for look in looks if look.age_p95_ms is not None]
    return round(mean(ages), 1) if ages else None


def _kinds(path: Path, own: str) -> Iterator[str]:
    """Say of each recorded frame what it shows."""
    slates = Slates(*SIZE)
    cards = [slates.card(cause).astype(np.float32) for cause in CARDS]
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="bgr24")).astype(np.float32)
            is_card = min(float(np.abs(picture - card).mean()) for card in cards) < _NOISE
            yield "card" if is_card else _face(picture[_SKIN].mean(axis=(0, 1)), own)


def _face(skin_bgr: "np.ndarray[Any, Any]", own: str) -> str:
    blue, green, red = (float(value) for value in skin_bgr)
    if red > green and red > blue + _CLEAR:
        return "REAL FACE"
    strongest = "blue" if blue > green else "green"
    if max(blue, green) < red + _CLEAR:
        return "mixed"
    return "swapped" if strongest == own else "ANOTHER'S FACE"


def _write_photo(path: Path, colour: str) -> None:
    photo = np.asarray(cv2.imread(str(public_domain_photo())), np.uint8)
    cv2.imwrite(str(path), photo[:, :, list(_COLOURS[colour])])


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main())
