import mmap
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.pipeline.metrics import Histogram, Memory, Rate, process_age_s, resident_mb


@given(st.lists(st.floats(0.002, 500_000), min_size=1, max_size=300), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_within_one_percent_of_the_sorted_truth(durations_ms: list[float], percent: float) -> None:
    histogram = Histogram()
    for duration_ms in durations_ms:
        histogram.record_ms(duration_ms)
    truth = float(np.percentile(durations_ms, percent, method="inverted_cdf"))
    assert histogram.percentile_ms(percent) == pytest.approx(truth, rel=0.01)
    assert histogram.count == len(durations_ms)


def test_a_histogram_takes_anything_from_zero_to_for_ever() -> None:
    histogram = Histogram()
    for duration_ms in (0.0, 1e12):
        histogram.record_ms(duration_ms)
    assert histogram.count == 2


def test_nothing_measured_is_none_and_not_zero() -> None:
    assert Histogram().percentile_ms(50) is None
    assert Histogram().recent_median_ms is None
    assert Rate().per_second is None


def test_a_block_that_fails_is_not_measured() -> None:
    histogram = Histogram()
    with pytest.raises(ValueError, match="broken"), histogram.measure():
        raise ValueError("broken")
    with histogram.measure():
        pass
    assert histogram.count == 1


def test_a_rate_is_counted_from_the_first_event_to_the_last() -> None:
    rate = Rate()
    for number in range(31):
        rate.tick(1_000_000_000 + number * 100_000_000)
    assert rate.per_second == pytest.approx(10)
    assert rate.recent_interval_ms == pytest.approx(100)


def test_memory_is_seen_to_grow() -> None:
    memory = Memory()
    size = 40_000_000
    with mmap.mmap(-1, size) as ballast:  # fresh pages: the allocator may hand out what it has kept
        ballast.write(b"\x01" * size)
        memory.sample()
        assert memory.peak_mb - memory.start_mb > 20
        assert resident_mb() > size / 1e6
    assert memory.end_mb <= memory.peak_mb


def test_the_age_of_the_process_advances_with_the_clock() -> None:
    before_s, started_ns = process_age_s(), time.monotonic_ns()
    time.sleep(0.05)
    passed_s = (time.monotonic_ns() - started_ns) / 1e9
    assert before_s > 0
    assert process_age_s() - before_s == pytest.approx(passed_s, abs=0.03)
