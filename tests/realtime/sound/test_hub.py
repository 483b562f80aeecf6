"""The session's sound: away, back, muted, changed; every listener gets every sample of the clock once."""

import itertools
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from mien.media.clap import claps_ns, due_ns, is_clap
from mien.sound.feed import Feed
from mien.sound.hub import SoundHub, SoundState
from mien.sound.microphone import MicrophoneInfo, MicrophoneRequest
from mien.sound.microphones.synthetic import SyntheticMicrophone
from mien.sound.samples import RATE_HZ, RawSound, Sound, samples_ns, silence
from mien_models.errors import SoundError

REQUEST = MicrophoneRequest("any", Fraction(30))


class Flaky:
    """A microphone that says one for a while, then is unplugged; it comes back when it may."""

    def __init__(self, may_open: threading.Event, blocks: int = 20) -> None:
        self._may_open, self._blocks = may_open, blocks
        self._left = 0

    @property
    def info(self) -> MicrophoneInfo:
        return MicrophoneInfo("flaky", 16_000, 1)

    def __enter__(self) -> Self:
        if not self._may_open.is_set():
            raise SoundError("It is not there.")
        self._left = self._blocks
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, timeout_s: float) -> RawSound | None:
        _ = timeout_s
        time.sleep(0.01)
        if not self._left:
            self._may_open.clear()
            raise SoundError("It was unplugged.")
        self._left -= 1
        return RawSound(np.ones((160, 1), np.float32), time.monotonic_ns() - 10_000_000)


def until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends_s, "it did not happen"
        time.sleep(0.01)


def heard_from(hub: SoundHub) -> Feed:
    feed = hub.listen()
    assert feed is not None
    return feed


def all_of(feed: Feed) -> list[Sound]:
    return [sound for sound in [feed.take()] if sound is not None]


def test_listeners_get_silence_while_the_microphone_is_away_and_no_sample_twice() -> None:
    may_open, told = threading.Event(), list[str]()
    may_open.set()
    hub = SoundHub(REQUEST, told.append, told.append, make=lambda _request: Flaky(may_open))
    feed = heard_from(hub)
    hub.start()
    until(lambda: hub.status.state is SoundState.AWAY)
    heard = all_of(feed)
    until(lambda: hub.status.description == "It is not there.")
    time.sleep(1.0)
    may_open.set()
    until(lambda: hub.status.state is SoundState.ON)
    until(lambda: hub.status.state is SoundState.AWAY)
    hub.close()
    heard += all_of(feed)
    assert all(one.index + len(one.samples) == two.index for one, two in itertools.pairwise(heard))
    sound = np.concatenate([piece.samples for piece in heard])[:, 0]
    loud = sound > 0.5
    assert loud.any()
    assert not loud[len(loud) // 2]
    assert told[0] == "flaky"
    assert "It was unplugged." in told
    assert hub.status.gaps >= 1


def test_muting_fades_and_gives_silence() -> None:
    may_open = threading.Event()
    may_open.set()
    hub = SoundHub(REQUEST, lambda _: None, lambda _: None, make=lambda _request: Flaky(may_open, blocks=10_000))
    feed = heard_from(hub)
    hub.start()
    until(lambda: hub.status.level.peak_db > -3)
    hub.is_muted = True
    until(lambda: feed.wait(0.1) and (feed.take() or Sound(silence(1) + 1, 0, 0)).samples.max() == 0)
    hub.is_muted = False
    until(lambda: (feed.take() or Sound(silence(1), 0, 0)).samples.max(initial=0) > 0.9)
    hub.close()
    assert hub.status.state is SoundState.OFF


def test_a_listener_that_sleeps_loses_the_oldest_and_hears_of_it_as_silence() -> None:
    feed = Feed()
    feed.put(Sound(silence(4800) + 1, 0, 0))
    assert feed.take() is not None
    for number in range(1, 200):
        feed.put(Sound(silence(4800) + 1, number * 4800, samples_ns(number * 4800)))
    late = feed.take()
    assert late is not None
    assert late.index == 4800
    assert len(late.samples) == 199 * 4800
    assert feed.lost == np.count_nonzero(late.samples[:, 0] == 0)


def test_a_feed_can_be_held_back_to_the_sample() -> None:
    feed = Feed()
    feed.put(Sound(silence(1000), 0, 0))
    early = feed.take(until_ns=samples_ns(300))
    rest = feed.take()
    assert early is not None
    assert rest is not None
    assert (len(early.samples), rest.index, len(rest.samples)) == (300, 300, 700)
    assert feed.take() is None


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(30000, 1001), Fraction(25), Fraction(7, 2), Fraction(1)])
def test_square_and_click_come_at_the_same_instants(fps: Fraction) -> None:
    claps = claps_ns(0, 60_000_000_000, fps)
    frames = [number for number in range(int(61 * fps)) if is_clap(number, fps)]
    assert claps == [due_ns(number, fps) for number in frames if due_ns(number, fps) < 60_000_000_000]
    assert len(claps) == 30


def test_the_synthetic_microphone_clicks_when_the_clock_says() -> None:
    now_ns = 7_123_456_789
    microphone = SyntheticMicrophone(MicrophoneRequest("synthetic", Fraction(30)), 300, clock_ns=lambda: 10**12)
    microphone._clock_ns = lambda: now_ns  # pyright: ignore[reportPrivateUsage]
    with microphone:
        microphone._clock_ns = lambda: 10**12  # pyright: ignore[reportPrivateUsage]
        blocks = [block for _ in range(1000) if (block := microphone.read(1.0)) is not None]
    sound = np.concatenate([block.samples for block in blocks])[:, 0]
    loud = np.flatnonzero(sound > 0.4)
    firsts = [int(at) for at, before in zip(loud, [-RATE_HZ, *loud], strict=False) if at - before > RATE_HZ]
    heard_ns = [now_ns + at * 1e9 / (RATE_HZ * 1.0003) for at in firsts]
    assert len(firsts) == 5
    assert heard_ns == pytest.approx(claps_ns(now_ns, now_ns + 10**10, Fraction(30)), abs=30_000)


class Counted(Flaky):
    """A microphone of which it is known how often it was opened, and whether it is."""

    def __init__(self, opened: list[bool]) -> None:
        may_open = threading.Event()
        may_open.set()
        super().__init__(may_open, blocks=100_000)
        self._opened = opened

    def __enter__(self) -> Self:
        self._opened.append(True)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.append(False)


def test_the_microphone_is_open_while_somebody_listens_and_stays_open_for_a_second_listener() -> None:
    opened: list[bool] = []
    hub = SoundHub(REQUEST, lambda _: None, lambda _: None, make=lambda _request: Counted(opened))
    hub.start()
    assert hub.status.state is SoundState.OFF
    first = heard_from(hub)
    until(lambda: hub.status.state is SoundState.ON)
    second = heard_from(hub)
    until(lambda: second.wait(0.1) and first.wait(0.1))
    assert opened == [True]
    hub.leave(first)
    second.take()
    until(lambda: second.wait(0.1))
    assert opened == [True]
    hub.leave(second)
    until(lambda: hub.status.state is SoundState.OFF)
    assert opened == [True, False]
    hub.close()
