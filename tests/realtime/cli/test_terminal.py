"""How commands behave towards the terminal and the system."""

import signal
import time
from pathlib import Path

import pytest

from mien_models.system.atomic_write import whole_or_nothing
from mien_models.system.signals import termination_unwinds


def test_a_terminated_command_leaves_no_half_file(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, termination_unwinds(), whole_or_nothing(tmp_path / "out.mp4"):
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    # whole_or_nothing had begun its .part file
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


class Finalised:
    """Is being put away when the signal comes: nothing that is raised there is heard of."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_comes_while_something_is_put_away_ends_the_program_all_the_same() -> None:
    def work() -> None:
        _ = Finalised()
        del _
        time.sleep(10)

    with pytest.raises(SystemExit) as ended, termination_unwinds():
        work()
    assert ended.value.code == 128 + signal.SIGTERM
