"""Every command of the README runs as it is written, in a folder of its own with a photo."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import cv2
import pytest

from mien.tracking.photo import public_domain_photo

ROOT: Final = Path(__file__).parent.parent
CONSOLE: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
COMMANDS: Final = tuple(
    line for block in CONSOLE.findall((ROOT / "README.md").read_text(encoding="utf-8")) for line in block.splitlines()
)
NOT_RUN: Final = {
    "python3 -m pip install uv": "installs a program on the machine",
    "uv run pytest": "is what runs this test",
    "uv run --group lint python scripts/check.py": "runs this test",
}
"""Commands that are not run here, each with its reason."""
LIMITS: Final = {
    "MIEN_SECONDS": "2",
    "MIEN_CAMERA": "synthetic",
    "MIEN_SINKS": "null",
    "MIEN_PASSPHRASE": "several plain words",
}
"""Ends what would run until Ctrl-C and leaves the developer's own camera, screen and keychain alone.

These are settings of the environment, which the flags of a command beat.
"""


def test_the_first_commands_are_the_two_that_a_fresh_clone_needs() -> None:
    assert COMMANDS[:2] == ("python3 -m pip install uv", "uv run mien run --face photo.jpg")


def test_every_command_that_is_not_run_is_still_in_the_readme() -> None:
    assert set(NOT_RUN) <= set(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in NOT_RUN])
def test_the_command_works_as_written(command: str, tmp_path: Path) -> None:
    source_photo = cv2.imread(str(public_domain_photo()))
    assert source_photo is not None
    assert cv2.imwrite(str(tmp_path / "photo.jpg"), source_photo)
    _answer_whose_face_it_is(tmp_path)
    words = shlex.split(command)
    assert words[:3] == ["uv", "run", "mien"]
    done = subprocess.run(
        [sys.executable, "-m", *words[2:]],
        cwd=tmp_path,
        env=os.environ | LIMITS,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if "bench" in words:
        json.loads(done.stdout)


def _answer_whose_face_it_is(folder: Path) -> None:
    """Do what the person at the terminal does at the first start."""
    from mien.config import paths
    from mien.config.choices import ConsentKind
    from mien.consent.records import ConsentBook, consent_for

    book = ConsentBook(paths.data_folder() / "consents")
    consent_for(folder / "photo.jpg", given=ConsentKind.PUBLIC_DOMAIN, book=book, ask=None)
