"""How commands behave towards the terminal and the system."""

import signal
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
