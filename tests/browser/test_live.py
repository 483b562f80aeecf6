"""The live page: panic, freeze, settings, the camera beside, recording; each is held against the session itself."""

import json
import threading
from pathlib import Path
from typing import Any, Self

from tests.browser.conftest import Visit
from tests.realtime.panel.panel_rig import session, wait_until

from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions


def status() -> dict[str, Any]:
    with session() as client:
        found: dict[str, Any] = json.loads(json.dumps(client.status()))
        return found


class Watcher:
    """Sees every output frame's state from a thread of its own."""

    def __init__(self) -> None:
        self.states: list[tuple[int, str]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._running = running_sessions()[-1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        newest = -1
        with SessionClient(self._running) as client:
            while not self._ending.is_set():
                reply = client.preview(16, newer_than=newest)
                if reply.jpeg is not None:
                    newest = reply.index
                    self.states.append((reply.index, reply.state))


def test_after_the_panic_key_no_frame_that_is_sent_shows_anything_until_it_is_pressed_again(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    visit.wait_for_picture(2)
    with Watcher() as watcher:
        visit.page.keyboard.press("Space")
        visit.wait(".statebar.is-privacy")
        count = len(watcher.states)
        wait_until(lambda: len(watcher.states) > count + 10)
    states = [state for _, state in watcher.states]
    first = states.index("privacy")
    assert set(states[first:]) == {"privacy"}
    assert status()["is_private"]
    visit.wait_for_picture(2)
    card = visit.colour()
    visit.page.click("[data-panic]")
    visit.wait(".statebar.is-live")
    visit.wait_for_picture(8)
    assert max(abs(a - b) for a, b in zip(card, visit.colour(), strict=True)) > 10, "the card looked like the picture"


def test_a_picture_is_held_and_goes_on(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    visit.page.click("text=Freeze")
    visit.wait(".statebar.is-frozen")
    assert status()["run"]["is_frozen"]
    visit.page.click("text=Go on")
    visit.wait(".statebar.is-live")


def test_settings_move_live_and_back(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    before = status()["settings"]
    shape = visit.page.locator(".slider[aria-label=Shape]")
    shape.fill("0.2")
    wait_until(lambda: status()["settings"]["shape"] == 0.2, "the slider changes nothing")
    visit.page.click("summary:has-text('Look')")
    visit.page.select_option(".select[aria-label=Colour]", "none")
    wait_until(lambda: status()["settings"]["colour"] == "none")
    visit.page.click(".chip:has-text('Nothing')")
    wait_until(lambda: status()["settings"]["masks"] == ["none"])
    visit.page.click("label.switch:has-text('Sharpness and grain')")
    wait_until(lambda: status()["settings"]["detail"] is not before["detail"])
    for _ in range(4):
        visit.page.click(".btn-wide:not([disabled])")
        visit.page.wait_for_timeout(600)
    wait_until(lambda: status()["settings"] == before, "not everything was taken back")


def test_the_camera_is_seen_beside_it_only_while_it_is_asked_for(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    visit.wait_for_picture(2)
    assert not visit.page.is_visible(".preview-camera")
    visit.page.keyboard.down("o")
    visit.wait_for_picture(3)
    assert visit.page.is_visible(".preview-camera")
    assert visit.page.evaluate("document.querySelector('.preview-camera').width") > 100
    visit.page.keyboard.up("o")
    assert not visit.page.is_visible(".preview-camera")
    visit.page.click("text=Split")
    visit.wait_for_picture(2)
    assert visit.page.is_visible(".preview-split")
    visit.page.click("text=Split")
    assert not visit.page.is_visible(".preview-split")


def test_a_recording_is_named_by_us_and_is_there_when_it_is_stopped(visit: Visit, ground: Path) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    visit.page.click(".btn-record")
    visit.wait(".btn-record[aria-pressed=true]")
    visit.wait_for_picture(20)
    visit.page.click(".btn-record")
    visit.wait(".btn-record[aria-pressed=false]")
    folder = ground / "videos" / "Mien"
    wait_until(lambda: [one for one in folder.glob("mien-*.mp4") if one.stat().st_size > 1000], "there is no film")
    assert list(status()["outputs"]) == ["null"]
