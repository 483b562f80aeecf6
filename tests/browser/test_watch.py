"""The watch page in Chromium: picture and sound in step, and who comes, goes or says rubbish costs nobody anything."""

import threading
from collections.abc import Generator
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from tests.realtime.panel.panel_rig import wait_until
from tests.realtime.sinks.clapping import FORMAT, clapping_sound, send

from mien.media.clap import CLAP_EVERY_S, SQUARE
from mien.sinks.backends.watch import WatchSink
from mien.sinks.live_tracks import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PORT = 18437
MEASURED = """async ({seconds, side, margin}) => {
    const video = document.getElementById('picture');
    const seen = [], heard = [];
    const canvas = document.createElement('canvas'), context = canvas.getContext('2d', {willReadFrequently: true});
    const look = (now, frame) => {
        const height = video.videoHeight, square = Math.round(side * height), edge = Math.round(margin * height);
        canvas.width = canvas.height = square;
        context.drawImage(video, edge, height - edge - square, square, square, 0, 0, square, square);
        const pixels = context.getImageData(0, 0, square, square).data;
        seen.push([frame.expectedDisplayTime, pixels[square * square * 2 + square * 2]]);
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    const sound = new AudioContext();
    await sound.resume();
    const code = `registerProcessor('listener', class extends AudioWorkletProcessor {
        process([[samples]]) {
            const at = samples ? samples.findIndex(level => Math.abs(level) > 0.2) : -1;
            if (at >= 0) this.port.postMessage(currentTime + at / sampleRate);
            return true;
        }
    })`;
    await sound.audioWorklet.addModule(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
    const listener = new AudioWorkletNode(sound, 'listener');
    listener.port.onmessage = ({data}) => {
        const {contextTime, performanceTime} = sound.getOutputTimestamp();
        heard.push([performanceTime + (data - contextTime) * 1000, 1]);
    };
    sound.createMediaStreamSource(video.srcObject).connect(listener);
    listener.connect(sound.destination);
    await new Promise(done => setTimeout(done, seconds * 1000));
    await sound.close();
    return {seen, heard};
}"""


@pytest.fixture
def watched() -> Generator[WatchSink]:
    """Let claps be sent for as long as the test lasts."""
    ending = threading.Event()
    sink = WatchSink(str(PORT), FORMAT)
    with clapping_sound() as hub:
        sink.studio = Studio(hub=hub)
        with sink:
            thread = threading.Thread(target=send, args=(sink, 600, ending.is_set))
            thread.start()
            yield sink
            ending.set()
            thread.join()


def opened(browser: "Browser", sink: WatchSink) -> "Page":
    page = browser.new_context(bypass_csp=True).new_page()
    page.set_default_timeout(60_000)
    page.goto(sink.addresses[0])
    page.wait_for_function("document.getElementById('picture').videoWidth > 0")
    return page


def risen(table: list[list[float]], least: float) -> list[float]:
    found: list[float] = []
    for at_ms, level in table:
        if level > least and (not found or at_ms - found[-1] > 500):
            found.append(at_ms)
    return found


def pictures(page: "Page") -> int:
    return int(page.evaluate("document.getElementById('picture').getVideoPlaybackQuality().totalVideoFrames"))


def test_picture_and_sound_are_in_step(browser: "Browser", watched: WatchSink) -> None:
    page = opened(browser, watched)
    page.mouse.click(100, 100)
    # The browser takes its time until it has measured both.
    page.wait_for_timeout(8000)
    found: dict[str, Any] = page.evaluate(MEASURED, {"seconds": 20, "side": SQUARE.side, "margin": SQUARE.margin})
    seen_ms, heard_ms = risen(found["seen"], 150), risen(found["heard"], 0.2)
    apart = [min((heard - one for heard in heard_ms), key=abs) for one in seen_ms if heard_ms]
    apart = [one for one in apart if abs(one) < CLAP_EVERY_S * 500]
    print(f"sound after picture, ms: {[round(one) for one in apart]}")  # noqa: T201 - seen with pytest -s
    assert len(apart) >= 6
    assert abs(median(apart)) <= 60
    page.context.close()


def test_a_page_that_is_closed_is_forgotten_and_another_goes_on(browser: "Browser", watched: WatchSink) -> None:
    one, other = opened(browser, watched), opened(browser, watched)
    assert watched.watching == 2
    one.context.close()
    wait_until(lambda: watched.watching == 1, "the page that was closed still counts")
    before = pictures(other)
    other.wait_for_function(
        "before => document.getElementById('picture').getVideoPlaybackQuality().totalVideoFrames > before + 15",
        arg=before,
    )
    other.context.close()
    wait_until(lambda: watched.watching == 0)
