"""A real browser in front of a real panel with a synthetic session; all tests here share them."""

import os
import shutil
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import JsonValue
from tests.realtime.panel.panel_rig import RunningPanel, is_live, panel_with_session, session, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS: Final = 90_000
AS_BEGUN: Final[Mapping[str, JsonValue]] = {
    "face": [],
    "colour": "mkl",
    "shape": 0.8,
    "detail": True,
    "masks": ["history"],
    "sinks": ["null"],
}
"""What each test leaves to the next."""
CHROMIUM: Final = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here, and skip it where there is no browser."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.slow)
        if CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no Chromium here: apt-get install chromium"))


@dataclass
class Visit:
    """A browser's window on the panel, with what it asked for and complained of."""

    page: "Page"
    panel: RunningPanel
    asked: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def go(self, path: str) -> None:
        self.page.goto(f"{self.panel.base}{path}")
        self.page.wait_for_selector("h1", state="attached")

    def wait(self, selector: str) -> Any:
        return self.page.wait_for_selector(selector, timeout=PATIENCE_MS)

    def wait_for_picture(self, more: int = 1) -> None:
        """Wait until the preview has drawn that many more pictures."""
        before = int(self.page.evaluate("Number(document.querySelector('mien-preview').dataset.drawn || 0)"))
        self.page.wait_for_function(
            "wanted => Number(document.querySelector('mien-preview').dataset.drawn || 0) >= wanted",
            arg=before + more,
            timeout=PATIENCE_MS,
        )

    def colour(self, canvas: str = ".preview-sent") -> tuple[float, float, float]:
        """Give the mean colour of what is drawn."""
        found = self.page.evaluate(
            """name => {
                const canvas = document.querySelector(name), {width, height} = canvas;
                const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                const sums = [0, 0, 0];
                for (let at = 0; at < data.length; at += 4) for (let c = 0; c < 3; c++) sums[c] += data[at + c];
                return sums.map(sum => sum / (width * height));
            }""",
            canvas,
        )
        return (float(found[0]), float(found[1]), float(found[2]))


@pytest.fixture(scope="package")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("panel")


@pytest.fixture(scope="package")
def environment(ground: Path) -> dict[str, str]:
    return {f"MIEN_{kind}_DIR": str(ground / kind.lower()) for kind in ("DATA", "CONFIG", "STATE")}


@pytest.fixture(autouse=True)
def _folders_of_the_panel(_own_folders: None, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests find the session that the panel has begun."""
    for name, text in environment.items():
        monkeypatch.setenv(name, text)


@pytest.fixture(scope="package")
def panel(ground: Path, environment: dict[str, str]) -> Generator[RunningPanel]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with_session = panel_with_session(ground)
        one = next(with_session)
        wait_until(is_live, "the session is not live")
        yield one
        os.environ.update(environment)
        next(with_session, None)
    finally:
        for name, text in before.items():
            os.environ.pop(name, None) if text is None else os.environ.update({name: text})


@pytest.fixture(scope="package")
def browser() -> Generator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] if sys.platform == "linux" else []
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield one
        one.close()


def opened(browser: "Browser", panel: RunningPanel, **options: Any) -> Visit:
    chosen: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB", **options}
    context = browser.new_context(**chosen)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, panel)
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("websocket", lambda socket: visit.asked.append(socket.url))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
    page.goto(panel.address)
    return visit


@pytest.fixture
def visit(browser: "Browser", panel: RunningPanel) -> Generator[Visit]:
    one = opened(browser, panel)
    yield one
    one.page.context.close()
    with session() as client:
        client.set_privacy(on=False)
        client.set(AS_BEGUN)
