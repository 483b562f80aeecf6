"""Run a command with torch laid over the project's environment: `uv run scripts/with_torch.py pytest tests/export`.

uv keeps the overlay in its cache, so torch is installed once for all clones and `uv sync` neither takes it out nor
brings in the CUDA packages that the registry's build asks for. A CPU build that lies on disk is taken where
`PIP_FIND_LINKS` or pip's own configuration points at it.
"""

import os
import shutil
import subprocess
import sys
from typing import Final

TORCH: Final = "torch==2.13.0"
"""The version that the tests' tolerances were seen with."""


def find_links() -> list[str]:
    """Give the folders in which pip looks for wheels; none where it names none."""
    named = os.environ.get("PIP_FIND_LINKS")
    if named is None and shutil.which("pip") is not None:
        answer = subprocess.run(
            ["pip", "config", "get", "global.find-links"], check=False, capture_output=True, text=True
        )
        named = answer.stdout
    return (named or "").split()


def main() -> int:
    """Run the words of the command line; return their status."""
    places = [word for place in find_links() for word in ("--find-links", place)]
    command = ["uv", "run", "--no-sync", "--with", TORCH, *places, "--", *sys.argv[1:]]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
