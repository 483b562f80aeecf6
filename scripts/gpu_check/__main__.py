"""Start it: `python scripts/gpu_check --out DIR [--wheels DIR] [--minutes 8]`."""

import sys
from pathlib import Path

# The folder is started as a program; its parts know each other as the package that it is.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from gpu_check.cli import main  # noqa: E402 - found through the line above

if __name__ == "__main__":
    raise SystemExit(main())
