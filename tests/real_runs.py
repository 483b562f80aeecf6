"""Runs the programs as users do, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

LONGEST_S = 240


def mien(
    *words: str | os.PathLike[str],
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = subprocess.PIPE,
    stderr: int | IO[Any] | None = subprocess.PIPE,
    more: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "mien"),
) -> subprocess.CompletedProcess[bytes]:
    """Run `mien` to its end."""
    return subprocess.run(
        [sys.executable, *program, *words],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, **(more or {})},
        timeout=LONGEST_S,
        check=False,
    )


def begun(*words: str | os.PathLike[str], cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Begin `mien`; whoever calls ends it."""
    command = [sys.executable, "-m", "mien", *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)


def sentence_of(stderr: bytes) -> str:
    """Give the one sentence in which a run that failed says why, after looking that it is one."""
    text = stderr.decode()
    assert "Traceback" not in text
    assert "is at fault" not in text
    lines = [line for line in text.splitlines() if line.startswith("mien: ")]
    assert lines, text
    return lines[-1]


def needs_unshare() -> None:
    """Skip where a process can have no mounts of its own."""
    if sys.platform != "linux":
        pytest.skip("mounts of its own need Linux")
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"a process can have no mounts of its own here: {tried.stderr.decode(errors='replace').strip()}")
