"""Measures how far sound and picture of the synthetic camera's claps lie apart in a file, for `mien bench sync`."""

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mien.diagnostics.bench.stages import scene_stages
from mien.media.clap import CLAP_EVERY_S, SQUARE
from mien.media.video.film_file import ffmpeg_path
from mien.pipeline.frame import Frame, OutputFormat
from mien.pipeline.interfaces import SourceRequest
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien.pipeline.report import Report
from mien.pipeline.sink_interfaces import Sink
from mien.session.options import usual_options
from mien.sinks.backends.file import FileSink
from mien.sinks.live_tracks import Recording, Studio
from mien.sinks.registry import make_sink
from mien.sound.hub import SoundHub
from mien.sound.microphone import SYNTHETIC, Microphone, MicrophoneRequest
from mien.sound.microphones.synthetic import SyntheticMicrophone
from mien.sources.registry import live_source
from mien_models.errors import MienError
from mien_models.types import as_u8

_BRIGHT: Final = 0.5
"""Of the way from the darkest to the brightest that the square's place ever is."""
_LOUD: Final = 0.35
"""Of the loudest sample."""
_APART_S: Final = CLAP_EVERY_S / 2


@dataclass(frozen=True, slots=True)
class Sync:
    """How picture and sound lie, in milliseconds; sound that is late is positive."""

    claps: int
    """How many were both seen and heard."""
    median_ms: float
    worst_ms: float
    """Of all claps, that which is furthest off."""
    drift_ms_per_minute: float
    """The slope of a line through all of them."""
    offsets: tuple[tuple[float, float], ...]
    """For each clap its time in seconds, and the offset in milliseconds."""


def measured(path: Path) -> Sync:
    """Find the claps of a file.

    Raises:
        MienError: it has no picture or no sound, or no clap was found.
    """
    seen_s, heard_s = _seen(path), _heard(path)
    pairs = [(seen, min(heard_s, key=lambda heard: abs(heard - seen))) for seen in seen_s] if len(heard_s) else []
    offsets = tuple((seen, 1e3 * (heard - seen)) for seen, heard in pairs if abs(heard - seen) < _APART_S)
    if not offsets:
        raise MienError(
            f"{path.name!r} shows {len(seen_s)} claps and lets {len(heard_s)} be heard, and none of them together: "
            "record it with --camera synthetic --microphone synthetic."
        )
    table = np.array(offsets, np.float64)
    times_s, apart_ms = table[:, 0], table[:, 1]
    slope = float(np.polyfit(times_s, apart_ms, 1)[0]) if len(offsets) > 2 else 0.0
    worst = float(apart_ms[np.abs(apart_ms).argmax()])
    return Sync(len(offsets), float(np.median(apart_ms)), worst, 60 * slope, offsets)


def _seen(path: Path) -> list[float]:
    """Give when the square lights up, in seconds."""
    times_s, levels = list[float](), list[float]()
    with av.open(ffmpeg_path(path)) as file:
        if not file.streams.video:
            raise MienError(f"{path.name!r} has no picture.")
        for frame in file.decode(video=0):
            assert isinstance(frame, VideoFrame)  # noqa: S101 - of a video stream
            times_s.append(frame.time or 0.0)
            grey = as_u8(frame.to_ndarray(format="gray"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            levels.append(float(SQUARE.of(grey).mean()))
    return _risen(np.array(times_s), np.array(levels), _BRIGHT)


def _heard(path: Path) -> list[float]:
    """Give when clicks begin, in seconds."""
    times_s, samples = list[NDArray[np.float64]](), list[NDArray[np.float32]]()
    with av.open(ffmpeg_path(path)) as file:
        if not file.streams.audio:
            raise MienError(f"{path.name!r} has no sound.")
        resampler = av.AudioResampler("flt", "mono")
        for frame in file.decode(audio=0):
            assert isinstance(frame, AudioFrame)  # noqa: S101 - of a sound stream
            for mono in resampler.resample(frame):
                heard = np.abs(mono.to_ndarray().reshape(-1)).astype(np.float32)
                samples.append(heard)
                times_s.append((frame.time or 0.0) + np.arange(len(heard)) / mono.sample_rate)
    if not samples:
        return []
    return _risen(np.concatenate(times_s), np.concatenate(samples), _LOUD)


def _risen(times_s: NDArray[np.float64], levels: NDArray[np.floating], part: float) -> list[float]:
    """Give the first time of each stretch in which levels are above `part` of their range."""
    if not len(levels):
        return []
    low, high = float(np.median(levels)), float(levels.max())
    above = times_s[levels > low + part * (high - low)]
    found: list[float] = []
    for time_s in above:
        if not found or time_s - found[-1] > _APART_S:
            found.append(float(time_s))
    return found


@dataclass(frozen=True, slots=True)
class SyncBench:
    """One run with claps, measured in what an output wrote."""

    output: str
    slow_stage_ms: float
    """What was added to every frame's way in the second half."""
    microphone_ppm: float
    """How much too fast the microphone's clock ran."""
    whole: Sync
    first_half_ms: float | None
    """The median of its claps; None where it has none."""
    second_half_ms: float | None
    report: Report


def bench_sync(
    seconds: float,
    output: OutputFormat,
    *,
    slow_stage_ms: float,
    microphone_ppm: float,
    specs: Sequence[str] = (),
) -> SyncBench:
    """Record the synthetic camera's claps in a file of the system's temporary folder, and measure it.

    Args:
        seconds: how long the run lasts; there is a clap every two.
        output: size and rate.
        slow_stage_ms: an artificial stage takes so long from half time on.
        microphone_ppm: the microphone's clock is so much too fast.
        specs: what gets the same claps besides, as `--sink` takes it; what it writes can be measured with `measured`.

    Raises:
        MienError: an output does not exist or fails, the run could not begin, or no clap was found.
    """
    with tempfile.TemporaryDirectory(prefix="mien-sync-") as folder:
        path = Path(folder) / "claps.mp4"
        sinks = (FileSink(str(path), output), *(make_sink(spec, output) for spec in specs))
        report = _recorded(sinks, seconds, output, slow_stage_ms / 1000, microphone_ppm)
        found = measured(path)
    first_half_ms, second_half_ms = halves(found)
    return SyncBench(
        f"{path.suffix[1:]} file", slow_stage_ms, microphone_ppm, found, first_half_ms, second_half_ms, report
    )


def halves(found: Sync) -> tuple[float | None, float | None]:
    """Give the medians of both halves; None where one has no clap."""
    middle_s = max(time_s for time_s, _ in found.offsets) / 2
    return (
        _median(apart for time_s, apart in found.offsets if time_s <= middle_s),
        _median(apart for time_s, apart in found.offsets if time_s > middle_s),
    )


def _recorded(
    sinks: tuple[Sink, ...], seconds: float, output: OutputFormat, slow_s: float, microphone_ppm: float
) -> Report:
    def microphone(request: MicrophoneRequest) -> Microphone:
        return SyntheticMicrophone(request, microphone_ppm)

    hub = SoundHub(MicrophoneRequest(SYNTHETIC, output.fps), lambda _: None, lambda _: None, microphone)
    studio = Studio(hub=hub)
    for sink in sinks:
        if isinstance(sink, Recording):
            sink.studio = studio
    request = SourceRequest(SYNTHETIC, output.width, output.height, output.fps, claps=True)
    begins_s = time.monotonic() + seconds / 2

    def prepared() -> Prepared:
        *stages, marks = scene_stages(usual_options())
        return Prepared((*stages, _SlowFrom(begins_s, slow_s), marks))

    hub.start()
    try:
        return run_live(LivePlan(live_source(request), prepared, sinks, output, seconds=seconds))
    finally:
        hub.close()


@dataclass(frozen=True, slots=True)
class _SlowFrom:
    """Sleeps on every frame from a moment on, as work that lets other threads run."""

    begins_s: float
    cost_s: float
    name: str = "artificial"

    def __call__(self, frame: Frame) -> Frame:
        if time.monotonic() >= self.begins_s:
            time.sleep(self.cost_s)
        return frame


def _median(offsets: Iterable[float]) -> float | None:
    found = list(offsets)
    return float(np.median(found)) if found else None
