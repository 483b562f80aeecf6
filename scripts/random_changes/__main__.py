"""Change a live session at random: `uv run python scripts/random_changes [--changes 100] [--seed N]`.

Starts `mien run` with the synthetic camera, asks for one change after another with `mien ctl set`, good ones and bad
ones, and watches: no picture shows the real face, no output is lost, every answer is a yes or a no with a reason and
what is in force agrees with it, and at the end, with everything as it was at the beginning, the memory is, too.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import psutil
from patches import Patch, Patches

from mien.cli.main import main as main_of_mien
from mien.session.client import SessionClient
from mien.session.rendezvous import find_session, running_sessions
from mien.sources.backends.synthetic import SyntheticSource
from mien.tracking.photo import find_faces, public_domain_photo
from mien_models.errors import MienError

_SIZE: Final = (320, 240)
_FPS: Final = 15
_PATIENCE_S: Final = 120.0
_SETTLING_S: Final = 6.0
_MEMORY: Final = 1.05
"""The memory at the end may be so many times that at the beginning, measured once everything was used once."""


class ChangeError(Exception):
    """Something is not as it has to be."""


class LiveRun:
    """A session in a process of its own, in a folder of its own. Has state: the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.judge = folder / "judged"
        self.process: subprocess.Popen[bytes] | None = None
        # Of this process, too: it asks how the session is.
        os.environ |= {f"MIEN_{one}_DIR": str(folder / one.lower()) for one in ("DATA", "CONFIG", "STATE")}

    def begin(self, patch: Patch) -> None:
        """Start it with the settings of a patch, and wait until the swap is seen."""
        words = [word for word in patch.words if not word.startswith(("edge", "policy"))]
        (self.folder / "mien.toml").write_text("\n".join(_as_toml(word) for word in words), encoding="utf-8")
        command = ["run", "--consent", "public-domain", "--size", "320x240", "--loop", "--report", "report.json"]
        log = (self.folder / "log.txt").open("wb")
        self.process = subprocess.Popen(self._mien(*command, "--fps", str(_FPS)), cwd=self.folder, stderr=log)
        self._wait(lambda: running_sessions() and self.status()["run"]["state"] == "live", "a swapped picture")

    def ask(self, patch: Patch) -> tuple[bool, str]:
        """Ask for a change as `mien ctl set` does; give whether it was applied, and what was said."""
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as told:
            status = main_of_mien(["ctl", "set", *patch.words])
        return status == 0, f"{out.getvalue()}{told.getvalue()}".strip()

    def status(self) -> dict[str, Any]:
        """Ask how it is."""
        if self.process is None or self.process.poll() is not None:
            raise ChangeError(f"the session has ended: {(self.folder / 'log.txt').read_text(encoding='utf-8')[-2000:]}")
        with SessionClient(find_session()) as client:
            return client.status()

    def settled_mb(self) -> float:
        """Give its resident memory once it has come to rest, in MB (10^6 bytes)."""
        assert self.process is not None  # noqa: S101 - begin() comes first
        process, ends_s, found = psutil.Process(self.process.pid), time.monotonic() + _SETTLING_S, []
        while time.monotonic() < ends_s:
            time.sleep(0.25)
            found.append(process.memory_info().rss / 1e6)
        return float(np.median(found[len(found) // 2 :]))

    def end(self) -> dict[str, Any]:
        """End it cleanly; give its report."""
        with SessionClient(find_session()) as client:
            client.stop()
        assert self.process is not None  # noqa: S101
        if self.process.wait(_PATIENCE_S) != 0:
            raise ChangeError(f"the session ended with {self.process.returncode}")
        return json.loads((self.folder / "report.json").read_text(encoding="utf-8"))

    def kill(self) -> None:
        """End it at once, where it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _wait(self, is_so: Any, what: str) -> None:  # noqa: ANN401
        ends_s = time.monotonic() + _PATIENCE_S
        while not is_so():
            if time.monotonic() > ends_s:
                raise ChangeError(f"waited {_PATIENCE_S:.0f} s for {what}")
            time.sleep(0.2)

    @staticmethod
    def _mien(*words: str) -> list[str]:
        return [sys.executable, "-m", "mien", *words]


def prepare(folder: Path) -> None:
    """Make the photos, the clip and the judge that the changes name."""
    photo = np.asarray(cv2.imread(str(public_domain_photo())), np.uint8)
    face = find_faces(photo)[0]
    stripe_px = face.width_px / 6.5
    for number, name in enumerate(("first.png", "second.png")):
        striped = photo.copy()
        is_odd = ((np.arange(len(photo)) - face.box_xyxy[1]) / stripe_px).astype(int) % 2 == 1 - number
        striped[is_odd] = photo[is_odd][:, :, ::-1]
        cv2.imwrite(str(folder / name), striped)
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    for name in ("notes.txt", "notes.mp4"):
        (folder / name).write_text("no picture", encoding="utf-8")
    with SyntheticSource(*_SIZE, Fraction(_FPS)) as source, av.open(str(folder / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        for _ in range(60 * _FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(source.read().image, format="bgr24")))
        container.mux(stream.encode(None))
    plugins = folder / "data" / "plugins" / "sinks"
    plugins.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("judge.py"), plugins)


def change(run: LiveRun, patch: Patch) -> str:
    """Ask for one change and look whether the answer is right, and true.

    Raises:
        ChangeError: it is not.
    """
    before = run.status()
    is_applied, said = run.ask(patch)
    after = run.status()
    if is_applied is not patch.is_good:
        raise ChangeError(f"{' '.join(patch.words)} was {'applied' if is_applied else 'refused'}: {said}")
    if not is_applied and (after["settings"] != before["settings"] or after["revision"] != before["revision"]):
        raise ChangeError(f"{' '.join(patch.words)} was refused and changed something")
    if not said or "Traceback" in said or "is at fault" in said:
        raise ChangeError(f"{' '.join(patch.words)} was answered with {said!r}")
    wanted = sorted(f"{one}" for one in after["settings"]["sinks"])
    sinks = [one for one in after["run"]["sinks"] if one["state"] != "open"]
    if sinks or len(after["run"]["sinks"]) != len(wanted):
        raise ChangeError(f"after {' '.join(patch.words)} an output is not open: {after['run']['sinks']}")
    return said


def main(words: Sequence[str] | None = None) -> int:
    """Run as the command line asks; 0 when everything was as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--no-memory", action="store_true", help="leave out the measurement, which takes a while")
    wanted = parser.parse_args(words)
    print(f"seed {wanted.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mien-changes-") as name:
        run = LiveRun(Path(name))
        try:
            _carry_out(run, Patches(wanted.seed, run.judge), wanted.changes, is_measured=not wanted.no_memory)
        except (ChangeError, MienError) as failure:
            print((run.folder / "log.txt").read_text(encoding="utf-8")[-3000:])
            print(f"FAILED (seed {wanted.seed}): {failure}")
            return 1
        finally:
            run.kill()
    return 0


def _carry_out(run: LiveRun, patches: Patches, changes: int, *, is_measured: bool) -> None:
    prepare(run.folder)
    run.begin(patches.first())
    before_mb = 0.0
    if is_measured:
        for patch in patches.every_good_one():
            change(run, patch)
        before_mb = run.settled_mb()
    answers = {True: 0, False: 0}
    for number in range(changes):
        patch = patches.next()
        said = change(run, patch)
        answers[patch.is_good] += 1
        print(
            f"{number + 1:4} {'applied' if patch.is_good else 'refused'}: {' '.join(patch.words)} | {said}", flush=True
        )
    change(run, patches.first())
    after_mb = run.settled_mb() if is_measured else 0.0
    report = run.end()
    counts = json.loads((run.judge / "counts.json").read_text(encoding="utf-8"))
    print(
        f"{answers[True]} applied, {answers[False]} refused; memory {before_mb:.0f} MB before, {after_mb:.0f} MB after"
    )
    print(f"pictures: {counts}")
    if counts.get("real", 0) or not counts.get("swapped"):
        kept = shutil.copytree(run.judge, Path(tempfile.mkdtemp(prefix="mien-real-")), dirs_exist_ok=True)
        raise ChangeError(f"the real face was seen in {counts.get('real', 0)} pictures; some lie in {kept}")
    if lost := {name: why for name, why in report["notes"].items() if name.startswith("sink")}:
        raise ChangeError(f"an output was lost: {lost}")
    if after_mb > before_mb * _MEMORY:
        raise ChangeError(f"the memory has grown from {before_mb:.0f} MB to {after_mb:.0f} MB")


def _as_toml(word: str) -> str:
    name, _, value = word.partition("=")
    if name in {"face", "masks", "sinks"}:
        return f"{name} = {json.dumps(value.split(','))}"
    is_plain = value in {"true", "false"} or value.replace(".", "", 1).isdigit()
    return f"{name} = {value if is_plain else json.dumps(value)}"


if __name__ == "__main__":
    raise SystemExit(main())
