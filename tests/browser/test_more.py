"""What the panel does beside the first minute: drops, networks, microphones, many faces, questions, other tabs."""

import base64
import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.browser.conftest import PATIENCE_MS, Visit, opened
from tests.onnx_networks import dfm_network
from tests.realtime.panel.panel_rig import RunningPanel, is_live, panel_with_session, session

from mien.config.choices import ConsentKind
from mien.consent.add_face import Request, add_face, face_library
from mien.consent.terms import Scope, Terms
from mien.tracking.photo import public_domain_photo

_DROP: Final = """
([name, kind, base64, selector]) => {
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, {type: kind}));
    const place = document.querySelector(selector);
    for (const type of ["dragenter", "dragover", "drop"])
        place.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_PASSPHRASE", "several plain words")


def test_a_photo_can_be_dropped_anywhere_on_the_page(visit: Visit) -> None:
    visit.go("/start")
    visit.wait(".statebar.is-live")
    content = base64.b64encode(Path(public_domain_photo()).read_bytes()).decode()
    visit.page.evaluate(_DROP, ["Ada <b>at sea</b>.png", "image/png", content, ".title"])
    visit.wait(".understood .verdict")
    assert visit.page.locator(".asked-face").count() == 1
    assert visit.page.url.endswith("/start"), "the browser has not opened the file itself"


def test_a_text_that_is_dropped_is_refused_in_the_language_of_the_page(visit: Visit) -> None:
    visit.go("/start")
    visit.page.select_option(".way-end [aria-label=Language]", "de")
    visit.page.wait_for_function("document.documentElement.lang === 'de'")
    content = base64.b64encode(b"not a picture").decode()
    visit.page.evaluate(_DROP, ["a.png", "image/png", content, ".drop"])
    visit.wait(".verdict.is-bad")
    assert "ist kein Bild, das Mien lesen kann" in (visit.page.text_content(".verdict-why") or "")


def test_the_colours_that_were_chosen_are_kept_and_the_way_back_is_the_page_before(visit: Visit) -> None:
    visit.go("/live")
    visit.go("/outputs")
    visit.page.select_option(".way-end [aria-label=Colours]", "light")
    visit.page.wait_for_function("document.documentElement.dataset.theme === 'light' && document.body")
    visit.wait(".statebar")
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(int(part) for part in ground[4:-1].split(",")[:3]) > 200
    assert visit.page.title().startswith("Outputs")
    visit.page.go_back()
    visit.page.wait_for_url("**/live")
    visit.wait(".statebar.is-live")
    assert visit.page.title().startswith("Live")
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.usefixtures("phrase")
def test_a_use_that_was_not_agreed_to_is_asked_for_before_an_output_is_added(visit: Visit) -> None:
    face = add_face(Request((str(public_domain_photo()),), "Lena", ConsentKind.PUBLIC_DOMAIN, ("live",)))
    try:
        visit.go("/live")
        visit.wait(".statebar.is-live")
        visit.page.click(".tile:has-text('Lena')")
        visit.wait(".tile[aria-pressed=true]:has-text('Lena')")
        visit.page.click(".btn-record")
        visit.wait(".askbar:not([hidden])")
        assert "Lena may be used for live so far" in (visit.page.text_content(".ask-words") or "")
        visit.page.click(".askbar .btn:not(.btn-main)")
        visit.page.wait_for_selector(".askbar", state="hidden")
        assert face_library().named("Lena").terms.scope == (Scope.LIVE,)
        visit.page.click(".btn-record")
        visit.page.click(".askbar .btn-main")
        visit.wait(".btn-record[aria-pressed=true]")
        assert face_library().named("Lena").terms.scope == (Scope.LIVE, Scope.RECORDING)
        with session() as client:
            assert client.status()["faces"] == ["Lena"], "the face stays while its terms grow"
        visit.page.click(".btn-record")
        visit.wait(".btn-record[aria-pressed=false]")
    finally:
        with session() as client:
            client.set({"face": [], "sinks": ["null"]})
        face_library().remove(face)


def kept_by_record(folder: Path, number: int, name: str) -> Path:
    """Write the record of a face without photos: two hundred keys take minutes to make."""
    terms = Terms(f"{number:032x}", name, ConsentKind.SYNTHETIC, tuple(Scope), "2026-01-01", None, "")
    kept = folder / terms.id
    kept.mkdir(parents=True)
    record = {"version": 1, "photos": 1, "key": "passphrase", "terms": terms.as_data()}
    (kept / "record.json").write_text(json.dumps(record))
    return kept


def test_two_hundred_faces_are_shown_at_once_and_can_be_searched(visit: Visit, environment: dict[str, str]) -> None:
    folder = Path(environment["MIEN_DATA_DIR"]) / "faces"
    names = [f"Nobody {number:03}" for number in range(199)] + ["Wolfeschlegelsteinhausenbergerdorff" + "x" * 25]
    kept = [kept_by_record(folder, number, name) for number, name in enumerate(names)]
    try:
        visit.go("/live")
        visit.wait(".tile:nth-child(200)")
        visit.page.fill(".find", "nobody 17")
        visit.page.wait_for_function("document.querySelectorAll('.tile:not(.is-passed)').length === 10")
        visit.page.fill(".find", "")
        visit.page.set_viewport_size({"width": 320, "height": 700})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
        visit.go("/faces")
        visit.wait(".row-card:nth-child(200)")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
    finally:
        for one in kept:
            shutil.rmtree(one)


def test_the_microphones_of_this_computer_are_offered_with_a_meter(visit: Visit) -> None:
    visit.go("/live")
    visit.wait(".statebar.is-live")
    visit.page.click(".group-title:has-text('Sound')")
    visit.wait("select[aria-label=Microphone]")
    assert visit.page.locator("select[aria-label=Microphone] option").count() >= 2
    assert visit.page.get_attribute("[role=meter]", "aria-valuemax") == "0"


def test_a_network_is_downloaded_tried_and_removed_on_the_models_page(visit: Visit, tmp_path: Path) -> None:
    visit.go("/models")
    visit.page.fill("[aria-label='Address of a file']", "http://127.0.0.1:9/net.onnx")
    visit.page.click(".btn:has-text('Download')")
    visit.wait(".toast.is-bad:has-text('https://')")
    network = dfm_network(tmp_path / "tiny.dfm")
    visit.page.fill("[aria-label='What to call it, if you like']", "tiny")
    visit.page.set_input_files(".drop-input", str(network))
    visit.wait(".row-card:has-text('tiny')")
    visit.page.click("[aria-label='Try: mesh']")
    visit.page.wait_for_function(
        "[...document.querySelectorAll('.row-face')].some(one => one.naturalWidth > 100)", timeout=PATIENCE_MS
    )
    for _ in range(2):
        visit.page.click(".row-card:has-text('tiny') .btn-danger")
        visit.page.wait_for_timeout(300)
    visit.page.wait_for_function("![...document.querySelectorAll('.row-name')].some(one => one.textContent === 'tiny')")


def test_two_tabs_show_the_same_and_a_reload_changes_nothing(browser: Any, panel: RunningPanel, visit: Visit) -> None:
    other = opened(browser, panel)
    try:
        visit.go("/live")
        other.go("/live")
        other.wait(".statebar.is-live")
        visit.page.keyboard.press("p")
        other.wait(".statebar.is-privacy")
        other.page.reload()
        other.wait(".statebar.is-privacy")
        other.page.keyboard.press("p")
        visit.wait(".statebar.is-live")
    finally:
        other.page.context.close()


def test_an_address_that_is_none_says_so_with_a_way_back(visit: Visit) -> None:
    answer = visit.page.goto(f"{visit.panel.base}/nowhere")
    assert answer is not None
    assert answer.status == 404
    visit.complaints.clear()
    visit.page.click("a[href='/live']")
    visit.wait(".statebar")


@pytest.fixture
def short_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[RunningPanel]:
    for kind in ("DATA", "CONFIG", "STATE"):
        monkeypatch.setenv(f"MIEN_{kind}_DIR", str(tmp_path / kind.lower()))
    yield from panel_with_session(tmp_path)


def test_a_page_says_that_its_panel_is_gone_and_comes_back_with_it(browser: Any, short_panel: RunningPanel) -> None:
    visit = opened(browser, short_panel)
    try:
        visit.go("/live")
        visit.wait(".statebar.is-live")
        short_panel.stop()
        visit.wait("[data-away]:not([hidden])")
        assert "does not answer" in (visit.page.text_content("[data-away]") or "")
        assert is_live(), "the stream goes on"
        short_panel.start()
        visit.page.wait_for_selector("[data-away]", state="hidden", timeout=PATIENCE_MS)
        visit.wait(".statebar.is-live")
    finally:
        visit.page.context.close()
