"""Run a command with torch laid over the project's environment: `uv run scripts/with_torch.py pytest tests/export`.

`--rtx` before the command lays TensorRT for RTX over it too, which builds engines without a card (300 MB).

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


RTX: Final = ("tensorrt-rtx-cu13", "tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13-libs")
RTX_VERSION: Final = "1.7.1.116"


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
    wants_rtx = sys.argv[1:2] == ["--rtx"]
    engines = [word for name in RTX for word in ("--with", f"{name}=={RTX_VERSION}")] if wants_rtx else []
    words = sys.argv[2:] if wants_rtx else sys.argv[1:]
    command = ["uv", "run", "--no-sync", "--with", TORCH, *engines, *places, "--", *words]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
