"""Takes the pictures of the panel in `docs/panel`, with people whom nobody is.

    uv run python scripts/panel_screenshots.py --person WEARER.png --faces FACE.png ...

The portraits have to be synthetic: they are published. The panel, its session and Chromium run as for a user, in
folders of their own.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

PAGES: Final = ("start", "live", "people", "numbers", "outputs", "presets", "faces", "models", "machines")
WIDTHS: Final = {1280: 800, 320: 700}
PATIENCE_MS: Final = 120_000
_NAMES: Final = ("Grandpa Frost", "Nova", "Detective", "Alba")
_FRAMES: Final = 30


def film(portrait: Path, folder: Path) -> Path:
    """Write a second of somebody who sways a little before a soft wall."""
    picture = cv2.imread(str(portrait))
    if picture is None:
        raise SystemExit(f"{portrait} is no picture")
    height = 720
    person = cv2.resize(picture, (height, height), interpolation=cv2.INTER_CUBIC)
    wall = cv2.resize(cv2.GaussianBlur(person, (0, 0), 60), (1280, height))
    fade = np.clip(np.minimum(np.arange(height), np.arange(height)[::-1]) / 90, 0, 1)[None, :, None]
    folder.mkdir()
    for number in range(_FRAMES):
        frame = wall.astype(np.float32)
        left = 280 + round(14 * np.sin(2 * np.pi * number / _FRAMES))
        frame[:, left : left + height] = frame[:, left : left + height] * (1 - fade) + person * fade
        cv2.imwrite(str(folder / f"{number:03}.jpg"), frame.astype(np.uint8))
    return folder


class Photographer:
    """One browser on one panel. Has state: the page."""

    def __init__(self, page: "Page", base: str, output: Path, person: Path) -> None:
        self._page, self._base, self._output = page, base, output
        self._person = person.read_bytes()
        page.set_default_timeout(PATIENCE_MS)
        # The drawn face that plays where there is no camera is a real person's portrait.
        page.route("**/camera/*.jpg*", self._camera)

    def wear_the_first(self) -> None:
        """Wear the first face of the library."""
        page = self._page
        page.goto(f"{self._base}/live")
        page.click("[data-key='1']")
        page.wait_for_selector("[data-key='1'][aria-pressed=true]")

    def take_all(self) -> None:
        """Take every page at every width."""
        page = self._page
        page.goto(f"{self._base}/presets")
        page.wait_for_selector(".statebar.is-live")
        for name in ("Evening stream", "Team call"):
            page.fill(".field", name)
            page.click(".btn-main")
            page.wait_for_timeout(900)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            for name in PAGES:
                page.goto(f"{self._base}/{name}")
                page.add_style_tag(content="[data-tile=astronaut]{display:none} .way{height:auto}")
                page.wait_for_selector(".statebar.is-live")
                page.wait_for_timeout(12_000 if name == "numbers" else 3500)
                shot = page.screenshot(full_page=width > 1000, type="png")
                _save(shot, self._output / f"{name}-{width}.webp")

    def _camera(self, route: "Route") -> None:
        route.fulfill(body=self._person, content_type="image/png")


def _save(png: bytes, path: Path) -> None:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit("the browser gave no picture")
    cv2.imwrite(str(path), image, [cv2.IMWRITE_WEBP_QUALITY, 82])


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--person", type=Path, required=True)
    parser.add_argument("--faces", type=Path, nargs="+", required=True)
    parser.add_argument("--language", default="en", help="en, de, fr, es, it, pt, zh")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "docs" / "panel")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _run(Path(folder), given)


def _run(folder: Path, given: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    own = {f"MIEN_{kind}_DIR": str(folder / kind) for kind in ("DATA", "CONFIG", "STATE")}
    camera = film(given.person, folder / "camera")
    more = {"MIEN_CAMERA": str(camera), "MIEN_LOOP": "true", "MIEN_SINKS": "null", "MIEN_FPS": "15"}
    environment: dict[str, str] = {**os.environ, **own, **more, "MIEN_PASSPHRASE": "several plain words"}
    for face, name in zip(given.faces, _NAMES, strict=False):
        words = ["faces", "add", str(face), "--name", name, "--consent", "synthetic"]
        subprocess.run([sys.executable, "-m", "mien", *words], env=environment, check=True)
    command = [sys.executable, "-m", "mien", "panel", "--no-browser"]
    panel = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = "" if panel.stdout is None else panel.stdout.readline().strip()
        with sync_playwright() as playwright:
            arguments: dict[str, Any] = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
            browser = playwright.chromium.launch(**arguments)
            page = browser.new_page(viewport={"width": 1280, "height": 800}, locale=given.language)
            page.goto(address)
            photographer = Photographer(page, address.partition("/?")[0], given.output, given.person)
            page.wait_for_selector(".statebar.is-live", timeout=PATIENCE_MS)
            photographer.wear_the_first()
            photographer.take_all()
            browser.close()
    finally:
        panel.send_signal(signal.SIGINT)
        panel.wait()
        subprocess.run([sys.executable, "-m", "mien", "ctl", "stop"], env=environment, check=False)


if __name__ == "__main__":
    main()
