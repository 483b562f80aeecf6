"""The first minute, as a user has it: a photo is dropped, understood, answered for and used."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.browser.conftest import PATIENCE_MS, Visit, opened
from tests.realtime.panel.panel_rig import RunningPanel, session, wait_until

from mien.tracking.photo import public_domain_photo


@pytest.fixture
def blue_photo(tmp_path: Path) -> Path:
    """Give a portrait with blue skin, which cannot be mistaken for the one that is used at first."""
    photo = cv2.imread(str(public_domain_photo()))
    assert photo is not None
    blue = photo.astype(np.float32)
    blue[..., 0] = np.clip(blue[..., 0] * 1.4 + 40, 0, 255)
    blue[..., 2] *= 0.5
    path = tmp_path / "blue.png"
    assert cv2.imwrite(str(path), cv2.resize(blue.astype(np.uint8), None, fx=2, fy=2))
    return path


def settings() -> dict[str, Any]:
    with session() as client:
        found: dict[str, Any] = json.loads(json.dumps(client.status()["settings"]))
        return found


def test_a_dropped_photo_is_used_after_one_click_and_the_picture_changes(visit: Visit, blue_photo: Path) -> None:
    with session() as client:
        # The new face takes the light of the room otherwise, and blue skin would not be blue.
        client.set({"colour": "none"})
    visit.go("/start")
    visit.wait(".statebar.is-live")
    visit.wait(".camera[aria-pressed=true]")
    visit.wait_for_picture(3)
    before = visit.colour()
    visit.page.set_input_files(".drop-input", str(blue_photo))
    visit.wait(".understood .verdict")
    assert visit.page.locator(".asked-face").count() == 1
    assert settings()["consent"] is None
    visit.page.click("[data-consent=public-domain]")
    visit.wait(".toast.is-good")
    wait_until(lambda: settings()["face"] != [], "the session does not use the photo")
    assert settings()["consent"] == "public-domain"
    assert "blue" not in settings()["face"][0], "files are named by us"
    visit.wait_for_picture(15)
    after = visit.colour()
    assert after[2] - after[0] > before[2] - before[0] + 1, (before, after)
    # It is a tile now, on the live page too, and another face is one key away.
    visit.go("/live")
    visit.wait(".tile[aria-pressed=true][data-key='1']")
    visit.page.keyboard.press("2")
    visit.wait(".tile[aria-pressed=true][data-key='2']")
    wait_until(lambda: settings()["face"] == [], "the key 2 does not change the face")
    visit.page.keyboard.press("1")
    wait_until(lambda: settings()["face"] != [], "the key 1 does not change it back: the answer was not remembered")
    visit.page.keyboard.press("2")
    wait_until(lambda: settings()["face"] == [])


def test_a_bad_photo_is_refused_in_words_and_nothing_changes(visit: Visit, tmp_path: Path) -> None:
    nobody, noise = tmp_path / "nobody.png", tmp_path / "noise.jpg"
    cv2.imwrite(str(nobody), np.full((200, 200, 3), 120, np.uint8))
    noise.write_bytes(b"\xff\xd8\xff not a photo")
    visit.go("/start")
    visit.wait(".statebar.is-live")
    for path in (nobody, noise):
        visit.page.set_input_files(".drop-input", str(path))
        visit.page.wait_for_function("!document.querySelector('.understood')", timeout=PATIENCE_MS)
        visit.wait(".understood .verdict.is-bad")
        said = str(visit.page.text_content(".verdict-why"))
        assert len(said) > 20
        assert "panel" not in said
        assert visit.page.locator("[data-consent]").count() == 0
    assert settings()["face"] == []


def test_two_browsers_see_the_same(browser: Any, panel: RunningPanel, visit: Visit) -> None:
    other = opened(browser, panel)
    visit.go("/live")
    other.go("/live")
    for one in (visit, other):
        one.wait(".statebar.is-live")
        one.wait_for_picture(2)
    visit.page.click("[data-panic]")
    other.wait(".statebar.is-privacy")
    other.page.click("[data-panic]")
    visit.wait(".statebar.is-live")
    other.page.context.close()


def test_a_preset_is_kept_used_exported_and_there_after_a_restart(visit: Visit) -> None:
    import tomllib

    with session() as client:
        client.set({"shape": 0.35, "colour": "none"})
    visit.go("/presets")
    visit.wait(".statebar.is-live")
    visit.page.fill(".field", "Evening")
    visit.page.click(".btn-main")
    visit.wait(".rows .row-card")
    with session() as client:
        client.set({"shape": 0.8, "colour": "mkl"})
    with visit.page.expect_download() as waiting:
        visit.page.click(".row-card a")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert (tomllib.loads(text)["shape"], tomllib.loads(text)["colour"]) == (0.35, "none")
    visit.panel.kill()
    visit.panel.start()
    visit.page.goto(visit.panel.address)
    visit.go("/presets")
    visit.wait(".rows .row-card")
    visit.page.click(".row-card .btn")
    wait_until(lambda: (settings()["shape"], settings()["colour"]) == (0.35, "none"), "the preset is not in force")
    visit.page.wait_for_selector(".form-row .btn:not([disabled])")
    visit.page.click("text=Take back the last change")
    wait_until(lambda: (settings()["shape"], settings()["colour"]) == (0.8, "mkl"), "it was not taken back")


def test_the_page_comes_back_by_itself_when_the_panel_is_killed_and_begun_again(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    with session() as client:
        before = client.status()["session_id"]
    visit.panel.kill()
    visit.panel.start()
    visit.page.goto(f"{visit.panel.base}/live")
    visit.wait(".statebar.is-live")
    visit.wait_for_picture(2)
    with session() as client:
        assert client.status()["session_id"] == before
