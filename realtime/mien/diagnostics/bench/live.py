"""How old frames are in the live loop, whether that keeps to its law, and whether it stays so."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

from mien.diagnostics.bench.scene import HEIGHT, WIDTH, make_scene
from mien.diagnostics.bench.stages import scene_stages
from mien.pipeline.frame import UNNUMBERED, Frame, OutputFormat, OutputFrame, State
from mien.pipeline.interfaces import End, LiveSource, SourceInfo
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien.pipeline.metrics import Histogram, resident_mb
from mien.pipeline.report import MARKS, Ages, Report, ages_of
from mien.session.options import usual_options
from mien_models.types import BgrU8

_WARM_UP_PART: Final = 0.1
"""This part of a run is left out of the comparison: networks and caches warm up."""


_WINDOW_PART: Final = 0.2
"""First and last are this part of the run each: a minute of five."""


@dataclass(frozen=True, slots=True)
class AgeLaw:
    """Frame age p95 is at most the sum of the stages' p95 plus one frame interval."""

    age_p95_ms: float
    stages_p95_ms: float
    """Sum over the stages, the output and the sink."""
    interval_ms: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed between the first window of a run, after its warm-up, and the last."""

    window_s: float
    first_age_ms: Ages
    last_age_ms: Ages
    age_growth: float
    """p95 of the last window over that of the first, minus 1."""
    first_rss_mb: float
    """Resident memory at the end of the first window, in MB."""
    last_rss_mb: float
    rss_growth: float


@dataclass(frozen=True, slots=True)
class LiveBench:
    """One measured live run."""

    slow_stage_ms: float | None
    report: Report
    law: AgeLaw | None
    """None when no swapped frame came out."""
    drift: Drift | None
    """None when a window stayed empty."""


def bench_live(
    source: LiveSource,
    prepare: Callable[[], Prepared],
    output: OutputFormat,
    *,
    seconds: float,
    slow_stage_ms: float | None = None,
    patience_s: float = 15.0,
) -> LiveBench:
    """Run the live loop into a sink that only looks at the clock.

    Args:
        source: closed; its frames show a face.
        prepare: as in a `LivePlan`.
        output: what the sink is to get.
        seconds: how long the run lasts once the first swapped frame is there; 300 compares minute one with minute five.
        slow_stage_ms: adds an artificial stage that sleeps for so long on every frame.
        patience_s: how much longer the run may take in all, so that it ends without a swapped frame too.

    Raises:
        MienError: the run could not begin or go on.
    """
    sink = _AgeSink(seconds)
    plan = LivePlan(
        source,
        lambda: _with_slow_stage(prepare(), slow_stage_ms),
        (sink,),
        output,
        seconds=seconds + patience_s,
    )
    sink.on_end = plan.controls.stop
    report = run_live(plan)
    return LiveBench(slow_stage_ms, report, age_law(report), sink.drift())


def age_law(report: Report) -> AgeLaw | None:
    """Hold a report against the law; None when it has no ages."""
    age = None if report.age_ms is None else report.age_ms.p95
    if age is None or not report.fps_in:
        return None
    stages_ms = sum(stage.p95_ms or 0.0 for name, stage in report.stages.items() if name != MARKS)
    interval_ms = 1000 / report.fps_in
    return AgeLaw(age, round(stages_ms, 3), round(interval_ms, 3), holds=age <= stages_ms + interval_ms)


class StillSource:
    """A live source that shows one picture at a steady rate. Has state: the clock."""

    def __init__(self, image_bgr: BgrU8, output: OutputFormat) -> None:
        """Take the picture, of any size; nobody may write into it any more."""
        height, width = image_bgr.shape[:2]
        self.info = SourceInfo("one picture", width, height, output.fps, None, is_live=True)
        self._image_bgr = image_bgr
        self._interval_ns = round(1e9 / output.fps)
        self._due_ns = 0

    def __enter__(self) -> Self:
        """Start the clock."""
        self._due_ns = time.monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def read(self, timeout_s: float) -> Frame | End | None:
        """Give the picture when its next frame is due; frames that were missed are not caught up."""
        wait_s = (self._due_ns - time.monotonic_ns()) / 1e9
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        if wait_s > 0:
            time.sleep(wait_s)
        now_ns = time.monotonic_ns()
        self._due_ns = max(self._due_ns, now_ns - self._interval_ns) + self._interval_ns
        return Frame(self._image_bgr, UNNUMBERED, now_ns)


class _AgeSink:
    """Measures ages in two windows of a run that lasts from the first swapped frame; has state: the windows."""

    description = "the clock of the benchmark"

    def __init__(self, seconds: float) -> None:
        self.on_end: Callable[[], None] | None = None
        self._length_ns = round(seconds * 1e9)
        self._first, self._last = Histogram(), Histogram()
        self._first_rss_mb = 0.0
        self._last_rss_mb = 0.0
        self._started_ns: int | None = None
        self._captured_ns: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._last_rss_mb = resident_mb()

    def write(self, frame: OutputFrame) -> None:
        """Measure a swapped frame the first time it comes."""
        now_ns = time.monotonic_ns()
        if frame.state is not State.LIVE or frame.captured_ns == self._captured_ns:
            return
        self._captured_ns = frame.captured_ns
        self._started_ns = self._started_ns or now_ns
        part = (now_ns - self._started_ns) / self._length_ns
        age_ms = (now_ns - frame.captured_ns) / 1e6
        if _WARM_UP_PART <= part < _WARM_UP_PART + _WINDOW_PART:
            self._first.record_ms(age_ms)
        elif part >= _WARM_UP_PART + _WINDOW_PART and not self._first_rss_mb:
            self._first_rss_mb = resident_mb()
        if part >= 1 - _WINDOW_PART:
            self._last.record_ms(age_ms)
        if part >= 1 and self.on_end is not None:
            self.on_end()

    def drift(self) -> Drift | None:
        """Compare the windows; None when one is empty."""
        first, last = ages_of(self._first), ages_of(self._last)
        if first.p95 is None or last.p95 is None or not self._first_rss_mb:
            return None
        return Drift(
            window_s=self._length_ns * _WINDOW_PART / 1e9,
            first_age_ms=first,
            last_age_ms=last,
            age_growth=round(last.p95 / first.p95 - 1, 4),
            first_rss_mb=round(self._first_rss_mb, 1),
            last_rss_mb=round(self._last_rss_mb, 1),
            rss_growth=round(self._last_rss_mb / self._first_rss_mb - 1, 4),
        )


@dataclass(frozen=True, slots=True)
class _SlowStage:
    """Sleeps, as work that lets other threads run."""

    cost_s: float
    name: str = "artificial"

    def __call__(self, frame: Frame) -> Frame:
        time.sleep(self.cost_s)
        return frame


def _with_slow_stage(prepared: Prepared, cost_ms: float | None) -> Prepared:
    if cost_ms is None:
        return prepared
    return dataclasses.replace(
        prepared, stages=(*prepared.stages[:-1], _SlowStage(cost_ms / 1000), prepared.stages[-1])
    )


_OUTPUT: Final = OutputFormat(WIDTH, HEIGHT, Fraction(30))


_SLOW_STAGE_MS: Final = 75.0


def bench_loop(seconds: float) -> tuple[LiveBench, LiveBench]:
    """Run twice for `seconds`: with the usual stages, and with one of 75 ms more.

    Raises:
        MienError: a run could not begin or go on.
    """
    scene = make_scene()

    def run(slow_stage_ms: float | None) -> LiveBench:
        return bench_live(
            StillSource(scene.frames[0], _OUTPUT),
            lambda: Prepared(scene_stages(usual_options())),
            _OUTPUT,
            seconds=seconds,
            slow_stage_ms=slow_stage_ms,
        )

    return run(None), run(_SLOW_STAGE_MS)
