"""Check everything: `uv run --group lint python scripts/check.py`. Further words go to pytest.

With UNLESS_PASSED=1 in the environment, the tests with torch are left out where `.ci/passed.json` says that they were
passed by these very files.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from unchanged import is_unchanged

TORCH_TESTS = ("tests/export/networks", "tests/export/test_engines.py")
PYTEST = ("-X", "dev", "-m", "pytest")
# As many at a time as there are processors, and those of one file by the same process: they share what is costly to
# start. Each takes up to a gigabyte.
AT_ONCE = ("-n", str(min(max(os.cpu_count() or 2, 2), 8)), "--dist", "loadfile", "--no-loadscope-reorder")
WITH_TORCH = [sys.executable, "scripts/with_torch.py", "--rtx", "python"]
SOME_FAILED = 1
"""Of pytest: tests ran, and some failed."""
LOOKS = (
    ("the lock file is current", ["uv", "lock", "--check"]),
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types, mypy", ["mypy"]),
    ("types, pyright", ["pyright"]),
    ("import contracts", ["lint-imports"]),
)
"""They read, and so all of them do it at once."""
FETCH = ("torch is there", [*WITH_TORCH, "-c", "import torch"])
"""Half a gigabyte, where it was never fetched: beside the looks."""
TESTS = (
    # Tests start some hundreds of commands, and where Python may not write bytecode each would compile Mien anew.
    ("bytecode", [sys.executable, "-m", "compileall", "-q", "-j", "0", "realtime", "models", "export"]),
    # -X dev: what Python can check while it runs, and the line of a segmentation fault.
    ("tests", [sys.executable, *PYTEST, *AT_ONCE, *sys.argv[1:]]),
)
# Networks in full size take minutes each: scripts/with_torch.py pytest -m slow tests/export/networks.
TESTS_WITH_TORCH = ("tests with torch", [*WITH_TORCH, *PYTEST, *AT_ONCE, "-m", "not slow", *TORCH_TESTS])


def main() -> int:
    """Run every step in order; return the status of the first that fails, or 0."""
    is_left_out = bool(os.environ.get("UNLESS_PASSED")) and is_unchanged("torch")
    if is_left_out:
        print("── tests with torch: passed by these very files already, see .ci/passed.json")
    if not all_at_once(LOOKS if is_left_out else (*LOOKS, FETCH)):
        return SOME_FAILED
    for name, command in TESTS if is_left_out else (*TESTS, TESTS_WITH_TORCH):
        status = timed(name, command)
        if status == SOME_FAILED and AT_ONCE[0] in command:
            # Beside others a test may starve; a defect fails alone, too.
            alone = [word for word in command if word not in AT_ONCE]
            status = timed(f"{name} that failed, alone", [*alone, "--last-failed"])
        if status != 0:
            print(f"{name}: failed with status {status}", file=sys.stderr)
            return status
    return 0


def all_at_once(steps: Sequence[tuple[str, list[str]]]) -> bool:
    """Run commands beside one another, print what each said when all have ended, and tell whether all succeeded."""
    started_s = time.monotonic()
    with ThreadPoolExecutor(len(steps)) as pool:
        ended = list(pool.map(heard, [command for _, command in steps]))
    for (name, command), one in zip(steps, ended, strict=True):
        print(f"── {name}: {' '.join(command)}\n{one.stdout}", end="", flush=True)
        if one.returncode != 0:
            print(f"{name}: failed with status {one.returncode}", file=sys.stderr)
    print(f"   {time.monotonic() - started_s:.1f} s", flush=True)
    return all(one.returncode == 0 for one in ended)


def heard(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run one command; give what it said, both ways."""
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def timed(name: str, command: Sequence[str]) -> int:
    """Run one command, say how long it took, and give its status."""
    started_s = time.monotonic()
    print(f"── {name}: {' '.join(command)}", flush=True)
    status = subprocess.run(command, check=False).returncode
    print(f"   {time.monotonic() - started_s:.1f} s", flush=True)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
