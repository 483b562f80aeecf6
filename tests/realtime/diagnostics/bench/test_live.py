import dataclasses
from fractions import Fraction

import pytest
from tests.realtime.pipeline.live.live_rig import HEIGHT, REAL, WIDTH, BareMarks, CostlyStage, fake_stages, filled

from mien.diagnostics.bench.live import StillSource, age_law, bench_live
from mien.pipeline.frame import OutputFormat
from mien.pipeline.live.plan import Prepared
from mien.pipeline.report import MARKS, Ages

OUTPUT = OutputFormat(WIDTH, HEIGHT, Fraction(60))


def test_a_slow_stage_keeps_the_law_and_frames_do_not_grow_older_between_the_windows() -> None:
    bench = bench_live(
        StillSource(filled(REAL), OUTPUT), lambda: Prepared(fake_stages()), OUTPUT, seconds=4, slow_stage_ms=40
    )
    assert bench.law is not None
    assert bench.drift is not None
    assert bench.law.age_p95_ms <= 1.25 * (bench.law.stages_p95_ms + bench.law.interval_ms)
    # The median: twenty frames of a busy machine have no steady p95.
    assert (bench.drift.last_age_ms.p50 or 0) < 1.3 * (bench.drift.first_age_ms.p50 or 0)
    assert bench.drift.rss_growth < 0.1
    assert bench.report.dropped_by["artificial"] > 0.3 * bench.report.frames_in


def test_the_law_compares_with_the_sum_of_the_stages_and_one_interval() -> None:
    bench = bench_live(StillSource(filled(REAL), OUTPUT), lambda: Prepared(fake_stages()), OUTPUT, seconds=0.5)
    report = dataclasses.replace(bench.report, age_ms=Ages(10.0, 1000.0, 1000.0))
    law = age_law(report)
    assert law is not None
    assert not law.holds
    assert law.interval_ms == pytest.approx(1000 / 60, rel=0.3)
    # The marks are put on within the output, which counts already.
    in_a_row = [stage.p95_ms or 0 for name, stage in report.stages.items() if name != MARKS]
    assert law.stages_p95_ms == pytest.approx(sum(in_a_row), abs=0.01)


def test_a_run_without_a_swapped_frame_ends_and_compares_nothing() -> None:
    bench = bench_live(
        StillSource(filled(REAL), OUTPUT),
        lambda: Prepared((CostlyStage("nothing"), BareMarks())),
        OUTPUT,
        seconds=0.3,
        patience_s=0.3,
    )
    assert bench.drift is None
    assert bench.report.frames_swapped == 0
