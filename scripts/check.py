"""Check everything: `uv run --group lint python scripts/check.py`. Further words go to pytest."""

import subprocess
import sys
import time

WITH_TORCH = ("tests/export/networks", "tests/export/test_engines.py")
PYTEST = ("-X", "dev", "-m", "pytest")
STEPS = (
    ("the lock file is current", ["uv", "lock", "--check"]),
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types, mypy", ["mypy"]),
    ("types, pyright", ["pyright"]),
    ("import contracts", ["lint-imports"]),
    # -X dev: what Python can check while it runs, and the line of a segmentation fault.
    ("tests", [sys.executable, *PYTEST, *sys.argv[1:]]),
    # Networks in full size take minutes each: scripts/with_torch.py pytest -m slow tests/export/networks.
    (
        "tests with torch",
        [sys.executable, "scripts/with_torch.py", "--rtx", "python", *PYTEST, "-m", "not slow", *WITH_TORCH],
    ),
)


def main() -> int:
    """Run every step in order; return the status of the first that fails, or 0."""
    for name, command in STEPS:
        started_s = time.monotonic()
        print(f"── {name}: {' '.join(command)}", flush=True)
        status = subprocess.run(command, check=False).returncode
        print(f"   {time.monotonic() - started_s:.1f} s", flush=True)
        if status != 0:
            print(f"{name}: failed with status {status}", file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
