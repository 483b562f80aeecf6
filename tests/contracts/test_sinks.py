"""What every sink promises, whatever it writes to."""

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.media.devices.cameras import VirtualCamera
from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.pipeline.sink_interfaces import Sink
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien.sinks.registry import SINKS, make_sink, parse_sink
from mien.sinks.stream_sender import Muxed
from mien_models.errors import UnknownPluginError, UsageError

FORMAT = OutputFormat(64, 48, Fraction(30))
TARGETS = {
    "rtmp": "rtmp://127.0.0.1/app/key",
    "rtmps": "rtmps://127.0.0.1/app/key",
    "twitch": "twitch:key",
    "youtube": "youtube:key",
    "whip": "whip:https://127.0.0.1/live/key",
    "srt": "srt://127.0.0.1:9000",
    "watch": "watch:18451",
    "mjpeg": "mjpeg:18452",
    "file": "file:{}/out.mp4",
    "images": "images:{}/frames",
}


def frame(index: int, width: int = 64, height: int = 48) -> OutputFrame:
    return OutputFrame(
        ReleasedPicture.unswapped(np.full((height, width, 3), index * 20, np.uint8)),
        index,
        index * 33_333_333,
        State.LIVE,
    )


class LoopbackInMemory:
    """Takes the place of a device that only a kernel with v4l2loopback has."""

    def __init__(self, _path: str, width: int, height: int) -> None:
        self._size = width * height * 3 // 2

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, frame: NDArray[np.uint8]) -> None:
        assert frame.size == self._size


class NoLine:
    """Takes the place of a line to a server that is somewhere else."""

    def __init__(self, _address: object) -> None:
        pass

    is_lossy = False

    def open(self, on_up: Callable[[], None]) -> Muxed:
        on_up()
        return Muxed(av.open("-", "w", format="null"))

    def refusal(self, shown: str) -> str:
        return shown

    def finish(self) -> None:
        pass

    def cut(self) -> None:
        pass


@pytest.fixture(params=SINKS.names())
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Sink]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(
        "mien.sinks.backends.virtualcam.virtual_cameras", lambda: (VirtualCamera("Mien", "/dev/video10"),)
    )
    monkeypatch.setattr("mien.sinks.backends.virtualcam.LoopbackWriter", LoopbackInMemory)
    monkeypatch.setattr("mien.sinks.backends.rtmp.RtmpConnection", NoLine)
    monkeypatch.setattr("mien.sinks.backends.whip.WhipConnection", NoLine)
    monkeypatch.setattr("mien.sinks.backends.srt.SrtConnection", NoLine)
    name: str = request.param
    spec = TARGETS.get(name, name).format(tmp_path)
    return lambda: make_sink(spec, FORMAT)


def test_it_opens_writes_and_closes_more_than_once(make: Callable[[], Sink]) -> None:
    sink = make()
    for _ in range(2):
        with sink:
            for index in range(3):
                sink.write(frame(index))
        assert sink.description


def test_making_it_opens_nothing_and_closing_it_leaves_no_thread(make: Callable[[], Sink], tmp_path: Path) -> None:
    before = set(threading.enumerate())
    sink = make()
    assert list(tmp_path.iterdir()) == []
    with sink:
        sink.write(frame(0))
    assert set(threading.enumerate()) == before


def test_it_never_writes_into_a_frame(make: Callable[[], Sink]) -> None:
    given = frame(5)
    given.image.setflags(write=False)
    with make() as sink:
        sink.write(given)
    assert (given.image == 100).all()


def test_a_frame_of_another_size_is_refused(make: Callable[[], Sink]) -> None:
    with make() as sink:
        sink.write(frame(0))
        with pytest.raises(ValueError, match="expected frames of 64x48, got 62x48"):
            sink.write(frame(1, width=62))
        sink.write(frame(2))


@pytest.mark.parametrize(
    ("spec", "parsed"),
    [
        ("null", ("null", "")),
        ("file:out.mp4", ("file", "out.mp4")),
        ("file:C:\\x.mp4", ("file", "C:\\x.mp4")),
        ("images:/tmp/a b", ("images", "/tmp/a b")),
    ],
)
def test_only_the_first_colon_of_a_sink_counts(spec: str, parsed: tuple[str, str]) -> None:
    assert parse_sink(spec) == parsed


def test_a_path_without_a_sink_is_told_how_to_say_it() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'file:out\.mp4'"):
        parse_sink("out.mp4")


def test_an_unknown_sink_lists_the_choices() -> None:
    with pytest.raises(UnknownPluginError, match=r"No sink is called 'nul'.*Did you mean 'null'"):
        parse_sink("nul")


@pytest.mark.parametrize("spec", ["file", "images", "null:somewhere"])
def test_a_missing_or_needless_target_is_wrong_usage(spec: str) -> None:
    with pytest.raises(UsageError):
        make_sink(spec, FORMAT)


def test_it_takes_nothing_that_has_not_passed_the_marks(make: Callable[[], Sink]) -> None:
    sink = make()
    background = SwappedPicture(np.zeros((48, 64, 3), np.uint8))
    lookalike = SimpleNamespace(image=np.zeros((48, 64, 3), np.uint8), index=0, captured_ns=0, state=State.LIVE)
    with sink:
        for refused in (background, lookalike, OutputFrame(background, 0, 0, State.LIVE)):  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            with pytest.raises(TypeError, match="marks"):
                sink.write(refused)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        sink.write(frame(0))
