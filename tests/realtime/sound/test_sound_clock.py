"""Sound on the frames' clock: a card that runs wrong, stamps that jitter, gaps, another rate."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.sound.device_clock import DeviceClock, Resampler
from mien.sound.samples import RATE_HZ

CLICK_EVERY_S = 2
CLICK_S = 0.001
SECOND_NS = 1_000_000_000


def heard_clicks_s(
    rate_hz: int, drift_ppm: float, seconds: int, jitter_ms: float = 0.0, gap: tuple[float, float] = (1e9, 0.0)
) -> tuple[list[float], DeviceClock]:
    """Play a card that clicks at every even second of true time through clock and resampler; give when it is heard."""
    random = np.random.default_rng(1)
    clock, resampler = DeviceClock(rate_hz), Resampler(rate_hz)
    true_rate_hz = rate_hz * (1 + drift_ppm * 1e-6)
    block, missing_s = rate_hz // 100, 0.0
    heard: list[NDArray[np.float32]] = []
    for number in range(seconds * 100):
        began_s = number * block / true_rate_hz + missing_s
        if began_s > gap[0] and not missing_s:
            missing_s = gap[1]
            continue
        times_s = began_s + np.arange(block) / true_rate_hz
        samples = (times_s % CLICK_EVERY_S < CLICK_S).astype(np.float32)
        late_ms = jitter_ms * random.exponential()
        stamp_ns = clock.stamp(block, round((began_s + late_ms / 1e3) * SECOND_NS))
        heard.append(resampler.feed(samples[:, None], stamp_ns * RATE_HZ / SECOND_NS)[:, 0])
    sound = np.concatenate(heard)
    loud = np.flatnonzero(sound > 0.3)
    firsts = [int(at) for at, before in zip(loud, [-RATE_HZ, *loud], strict=False) if at - before > RATE_HZ]
    return [at / RATE_HZ for at in firsts], clock


def offsets_ms(clicks_s: list[float]) -> list[float]:
    return [(click - round(click / CLICK_EVERY_S) * CLICK_EVERY_S) * 1e3 for click in clicks_s]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("drift_ppm", [-300, 0, 300])
def test_sound_stays_in_step_whatever_the_cards_clock(rate_hz: int, drift_ppm: float) -> None:
    clicks_s, clock = heard_clicks_s(rate_hz, drift_ppm, 40)
    assert len(clicks_s) >= 19
    assert max(map(abs, offsets_ms(clicks_s))) < 3
    assert clock.drift_ppm == pytest.approx(drift_ppm, abs=10)


def test_late_callbacks_do_not_shake_the_sound() -> None:
    clicks_s, clock = heard_clicks_s(48_000, 150, 60, jitter_ms=4)
    settled = offsets_ms(clicks_s)[5:]
    assert max(settled) - min(settled) < 3
    assert clock.drift_ppm == pytest.approx(150, abs=40)


def test_what_is_missing_becomes_silence_of_the_same_length() -> None:
    clicks_s, clock = heard_clicks_s(48_000, 0, 20, gap=(7.1, 4.3))
    assert max(map(abs, offsets_ms(clicks_s))) < 3
    assert clock.resets == 1
    assert max(clicks_s) > 22


def test_a_new_microphone_goes_on_where_the_old_one_ended() -> None:
    first = Resampler(48_000)
    count = len(first.feed(np.ones((4800, 1), np.float32), 0))
    second = Resampler(44_100, first.next_index)
    pieces = [second.feed(np.ones((441, 2), np.float32), 9600 + number * 480) for number in range(100)]
    sound = np.concatenate(pieces)
    # Silence until 9600, and then what the new one hears.
    begins = int(np.flatnonzero(sound[:, 0] > 0.5)[0])
    assert begins + count == pytest.approx(9600, abs=48)
    assert second.next_index == count + len(sound)
