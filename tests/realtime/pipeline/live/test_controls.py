"""Keys and signals come from several threads, and each press counts."""

import threading
from types import TracebackType
from typing import Any, cast

import pytest

from mien.pipeline.live.controls import REVEAL_KEY, Controls


class Together:
    """A lock before which two threads wait for each other, so that both have done what they do without it."""

    def __init__(self) -> None:
        self._lock, self._both = threading.Lock(), threading.Barrier(2, timeout=5)

    def __enter__(self) -> None:
        self._both.wait()
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


@pytest.fixture
def controls(monkeypatch: pytest.MonkeyPatch) -> Controls:
    made = Controls()
    monkeypatch.setattr(made, "_lock", cast("Any", Together()))
    return made


def in_two_threads(press: Any) -> None:
    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)


def test_two_presses_of_the_panic_key_at_once_are_two(controls: Controls) -> None:
    in_two_threads(controls.toggle_privacy)
    assert not controls.is_private


def test_two_presses_of_the_reveal_key_at_once_are_the_two_that_are_asked_for(
    controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    revealed: list[bool] = []
    monkeypatch.setattr(controls, "reveal", lambda: revealed.append(True))
    in_two_threads(lambda: controls.on_key(REVEAL_KEY))
    assert revealed == [True]
