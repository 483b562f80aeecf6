"""Put a line through what lines go through, and count what is seen: `sudo python scripts/remote_bars.py cut -o FOLDER`.

Two network namespaces, `mien serve` in one and `mien run --remote` in the other, real processes and packets, which
`bad_line` delays, loses and reorders. The source face has blue skin, so that every frame of the recording can be judged
by its colour: blue is the swap, warm skin the real face. Prints one JSON: frames of each kind, ages, states, the line.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np

from bad_line import BadLine, Weather
from mien.pipeline.live.slates import CARDS, Slates
from mien.tracking.photo import public_domain_photo

_HERE: Final = ("mien-here", "10.77.0.1")
_THERE: Final = ("mien-there", "10.77.0.2")
_PORT: Final = 7420
_SIZE: Final = (320, 180)
_SKIN: Final = (slice(62, 98), slice(140, 180))
"""Rows and columns that lie within the face of the synthetic camera."""
_NOISE: Final = 4.0
"""Mean difference, in levels, that a codec makes."""
_CUT_S: Final = 5.0
_SCENES: Final[dict[str, Weather | None]] = {
    "local": None,
    "loopback": None,
    "far": Weather(delay_s=0.02, loss=0.01),
    "reordered": Weather(delay_s=0.02, jitter_s=0.02),
    "narrow": Weather(delay_s=0.02, bits_per_s=400_000),
    "cut": None,
    "killed": None,
}
"""What happens to the packets of each direction; what else happens is in the scene's name."""


def main() -> int:
    """Run one scene."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=_SCENES)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--no-takeover", action="store_true", help="Show the card while the other machine is away.")
    wish = parser.parse_args()
    wish.output.mkdir(parents=True, exist_ok=True)
    _write_photo(wish.output / "blue.png")
    with _two_machines(_SCENES[wish.scene]):
        print(json.dumps(_scene(wish), indent=1))
    return 0


def _scene(wish: argparse.Namespace) -> dict[str, Any]:
    folder: Path = wish.output
    box, code = _serve(folder)
    words = ["--face", str(folder / "blue.png"), "--consent", "synthetic"]
    if wish.scene != "local":
        words += ["--remote", f"{_THERE[1]}:{_PORT}", "--pair", code]
    words += ["--camera", "synthetic", "--size", "x".join(map(str, _SIZE)), "--fps", "15", "--colour", "none"]
    words += [
        "--sink",
        f"file:{folder / 'out.mp4'}",
        "--seconds",
        str(wish.seconds),
        "--report",
        str(folder / "run.json"),
    ]
    words += ["--microphone", "none", "--no-detail", *(["--no-remote-takeover"] if wish.no_takeover else [])]
    (folder / "out.mp4").unlink(missing_ok=True)
    try:
        run = subprocess.Popen(_in(_HERE[0], folder / "here", "run", *words))
        began_s = time.monotonic()
        box = _happens(wish.scene, box, folder, lambda: time.monotonic() - began_s > wish.seconds * 0.6)
        run.wait(wish.seconds + 240)
    finally:
        box.terminate()
        box.wait(60)
    report = json.loads((folder / "run.json").read_text())
    kept = ("frames_in", "frames_swapped", "frames_hidden", "repeated", "age_ms", "failures", "remote", "state_changes")
    return {
        "scene": wish.scene,
        "frames": Counter(_kinds(folder / "out.mp4")),
        **{key: report.get(key) for key in kept},
    }


def _happens(
    scene: str, box: "subprocess.Popen[str]", folder: Path, is_time: Callable[[], bool]
) -> "subprocess.Popen[str]":
    while not is_time():
        time.sleep(0.1)
    if scene == "cut":
        _ip("-n", _THERE[0], "link", "set", "eth0", "down")
        time.sleep(_CUT_S)
        _ip("-n", _THERE[0], "link", "set", "eth0", "up")
    if scene == "killed":
        box.kill()
        box.wait()
        return _serve(folder)[0]
    return box


def _serve(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    words = _in(_THERE[0], folder / "there", "serve", "--host", _THERE[1], "--port", str(_PORT))
    box = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    if box.stdout is None:
        raise RuntimeError("it has no output")
    return box, box.stdout.readline().split()[1]


def _in(namespace: str, folder: Path, *words: str) -> list[str]:
    places = [f"MIEN_{kind}_DIR={folder / kind.lower()}" for kind in ("DATA", "STATE", "CONFIG")]
    return ["ip", "netns", "exec", namespace, "env", *places, sys.executable, "-m", "mien", *words]


@contextlib.contextmanager
def _two_machines(weather: Weather | None) -> Generator[None]:
    _remove()
    try:
        for name, _ in (_HERE, _THERE):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        if weather is not None:
            with BadLine(weather, (_HERE, _THERE)):
                yield
            return
        _ip("link", "add", "eth0", "netns", _HERE[0], "type", "veth", "peer", "name", "eth0", "netns", _THERE[0])
        for name, address in (_HERE, _THERE):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        _remove()


def _remove() -> None:
    for name, _ in (_HERE, _THERE):
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _kinds(path: Path) -> Iterator[str]:
    """Say of each recorded frame what it shows."""
    slates = Slates(*_SIZE)
    cards = [slates.card(cause).astype(np.float32) for cause in CARDS]
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            picture = np.asarray(frame.to_ndarray(format="bgr24")).astype(np.float32)
            blue, _, red = picture[_SKIN].mean(axis=(0, 1))
            is_card = min(float(np.abs(picture - card).mean()) for card in cards) < _NOISE
            yield "card" if is_card else "swapped" if blue > red + 15 else "REAL FACE" if red > blue + 15 else "mixed"


def _write_photo(path: Path) -> None:
    photo = np.asarray(cv2.imread(str(public_domain_photo())), np.uint8)
    cv2.imwrite(str(path), photo[:, :, ::-1])


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main())
