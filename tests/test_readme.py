"""Every command of the README and of the pages in docs/ runs as it is written, in a folder of its own with a photo."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.request import HTTPCookieProcessor, build_opener

import cv2
import pytest
from PIL import Image

from mien.tracking.photo import public_domain_photo

ROOT: Final = Path(__file__).parent.parent
CONSOLE: Final = re.compile(r"```console\n(.*?)```", re.DOTALL)
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
COMMANDS: Final = tuple(
    dict.fromkeys(
        line
        for page in PAGES
        for block in CONSOLE.findall(page.read_text(encoding="utf-8"))
        for line in block.splitlines()
    )
)
LINK: Final = re.compile(r"\]\((?!https?://|#)([^)#]+)")
LONGEST_LINES: Final = 130
LARGEST_PICTURE_BYTES: Final = 3_000_000
NOT_RUN: Final = {
    "python3 -m pip install uv": "installs a program on the machine",
    "uv run mien": "goes on until it is interrupted; the test below does that",
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
    assert COMMANDS[:2] == ("python3 -m pip install uv", "uv run mien")


def test_the_readme_is_one_screen_and_begins_with_a_moving_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_LINES
    first = ROOT / LINK.findall(text)[0]
    with Image.open(first) as picture:
        assert getattr(picture, "n_frames", 1) > 20
    assert first.stat().st_size <= LARGEST_PICTURE_BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.slow
def test_the_first_command_opens_the_panel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mien"]
    panel = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | LIMITS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert panel.stdout is not None
        address = panel.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with build_opener(HTTPCookieProcessor()).open(address, timeout=120) as page:
            assert b"Mien" in page.read()
    finally:
        panel.send_signal(signal.SIGINT)
        panel.communicate(timeout=60)
        subprocess.run([*command, "ctl", "stop"], env=os.environ | LIMITS, capture_output=True, check=False)


def test_every_command_that_is_not_run_is_still_in_the_readme() -> None:
    assert set(NOT_RUN) <= set(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in NOT_RUN])
def test_the_command_works_as_written(command: str, tmp_path: Path) -> None:
    source_photo = cv2.imread(str(public_domain_photo()))
    assert source_photo is not None
    assert cv2.imwrite(str(tmp_path / "photo.jpg"), source_photo)
    assert cv2.imwrite(str(tmp_path / "swapped.jpg"), source_photo)
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
    from mien.config.choices import ConsentKind
    from mien.consent.records import ConsentBook, consent_for
    from mien_models.system import folders

    book = ConsentBook(folders.data_folder() / "consents")
    consent_for(folder / "photo.jpg", given=ConsentKind.PUBLIC_DOMAIN, book=book, ask=None)
