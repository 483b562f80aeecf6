import itertools

from hypothesis import given
from hypothesis import strategies as st

from mien.pipeline.live.stage_threads import Groups, group_stages, regroup

COSTS = st.lists(st.floats(0, 80), min_size=1, max_size=8)
INTERVAL_MS = st.floats(5, 60)


def sums(groups: Groups, costs_ms: list[float]) -> list[float]:
    return [sum(costs_ms[place] for place in group) for group in groups]


@given(COSTS, INTERVAL_MS)
def test_groups_are_neighbours_in_order_and_every_stage_is_in_one(costs_ms: list[float], interval_ms: float) -> None:
    groups = group_stages(costs_ms, interval_ms)
    assert [place for group in groups for place in group] == list(range(len(costs_ms)))
    assert all(groups)


@given(COSTS, INTERVAL_MS)
def test_a_shared_thread_is_busy_for_less_than_seven_tenths(costs_ms: list[float], interval_ms: float) -> None:
    groups = group_stages(costs_ms, interval_ms)
    for group, total in zip(groups, sums(groups, costs_ms), strict=True):
        assert len(group) == 1 or total < 0.7 * interval_ms + 1e-9


@given(COSTS, INTERVAL_MS)
def test_no_two_neighbouring_groups_would_fit_in_one(costs_ms: list[float], interval_ms: float) -> None:
    groups = group_stages(costs_ms, interval_ms)
    totals = sums(groups, costs_ms)
    for left, right in itertools.pairwise(totals):
        assert left + right >= 0.7 * interval_ms - 1e-9


@given(COSTS, INTERVAL_MS)
def test_a_new_plan_is_stable_and_a_tenth_of_noise_does_not_tighten_it(
    costs_ms: list[float], interval_ms: float
) -> None:
    groups = group_stages(costs_ms, interval_ms)
    settled = regroup(groups, costs_ms, interval_ms)
    assert regroup(settled, costs_ms, interval_ms) == settled
    noisy = [cost_ms * 1.1 for cost_ms in costs_ms]
    assert len(regroup(settled, noisy, interval_ms)) <= len(settled)


def test_light_stages_share_one_thread_and_a_heavy_one_has_its_own() -> None:
    assert group_stages([4, 10, 6], 33) == ((0, 1, 2),)
    assert group_stages([2, 75, 3, 1], 33) == ((0,), (1,), (2, 3))
    assert regroup(((0, 1, 2),), [4, 30, 6], 33) == ((0,), (1,), (2,))
    assert regroup(((0,), (1,), (2,)), [4, 4, 4], 33) == ((0, 1, 2),)
