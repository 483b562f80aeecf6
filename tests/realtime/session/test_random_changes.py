"""A live session that is changed at random; by itself, the script does a hundred changes and looks at the memory."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "random_changes"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_changes_at_random_never_show_the_real_face_lose_an_output_or_go_unanswered(seed: int) -> None:
    command = [sys.executable, str(SCRIPT), "--changes", "12", "--seed", str(seed), "--no-memory"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
