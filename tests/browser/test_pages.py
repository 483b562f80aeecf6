"""Every page at every width: nothing leaves the machine, nothing is cut off, everybody can use it."""

from typing import Any, Final, cast

import pytest
from tests.browser.conftest import Visit, opened
from tests.realtime.panel.panel_rig import RunningPanel

PAGES: Final = ("/start", "/live", "/people", "/numbers", "/outputs", "/presets", "/faces", "/models", "/machines")
WIDTHS: Final = (320, 360, 1280, 1920)


def stories(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_usable_by_everybody_at_every_width_and_asks_nobody_else(path: str, visit: Visit) -> None:
    from axe_playwright_python.sync_playwright import Axe

    visit.go(path)
    visit.wait(".statebar.is-live")
    visit.page.wait_for_timeout(1500)
    for width in WIDTHS:
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.page.wait_for_timeout(200)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is cut off at {width}"
        found = cast("list[dict[str, Any]]", Axe().run(visit.page).response["violations"])
        grave = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert stories(grave) == [], f"{path} at {width}"
    assert visit.page.evaluate("document.documentElement.lang") == "en"
    assert visit.page.locator("h1").count() == 1
    elsewhere = [url for url in visit.asked if visit.panel.base.partition("//")[2] not in url.split("/")[2:3]]
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []


def test_whoever_wants_less_motion_gets_none(browser: Any, panel: RunningPanel) -> None:
    visit = opened(browser, panel, reduced_motion="reduce")
    visit.go("/live")
    visit.wait(".statebar.is-live")
    moving = visit.page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length")
    visit.page.context.close()
    assert moving == 0


def test_a_chosen_language_is_spoken_on_every_page(visit: Visit) -> None:
    visit.go("/faces")
    visit.page.select_option(".way-end select", "de")
    visit.page.wait_for_function("document.querySelector('h1')?.textContent === 'Gesichter'")
    visit.go("/outputs")
    assert visit.page.text_content("h1") == "Ausgänge"
    assert visit.page.evaluate("document.documentElement.lang") == "de"


def test_from_start_to_live_with_nothing_but_keys(visit: Visit) -> None:
    visit.go("/start")
    visit.wait(".statebar.is-live")
    page = visit.page

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("name => document.activeElement.matches(name)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached by keys")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to(".camera")
    page.keyboard.press("Enter")
    visit.wait(".camera[aria-pressed=true]")
    tab_to(".drop-input")
    tab_to(".tile")
    page.keyboard.press("Space")
    visit.wait(".tile[aria-pressed=true]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("p")
    visit.wait(".statebar.is-privacy")
    page.keyboard.press("Space")
    visit.wait(".statebar.is-live")
    visit.go("/live")
    visit.wait(".statebar.is-live")
    tab_to(".slider")
    before = page.evaluate("document.activeElement.value")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.value") != before
    page.keyboard.press("ArrowRight")
