"""Feeds Mien's readers damaged input: `uv run --with atheris python scripts/fuzz --target pictures --seconds 600`.

Every target makes its corpus itself. It runs in a child process with limits of memory and time per input; what ends
the child, hangs, or raises something that is no sentence for people is made smaller and written to a folder, with how
it failed beside it. With atheris (Linux, libFuzzer) inputs are led by what they reach in our code; without it they are
mutated blindly, the same ones for the same seed. `checkpoints` needs torch:
`uv run scripts/with_torch.py python scripts/fuzz --target checkpoints`. Exit 1 when anything was found.
"""

import argparse
import sys
from pathlib import Path

from supervision import Limits, fuzz
from targets import NAMES


def main() -> int:
    """Fuzz what the flags name, one target after another."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*NAMES, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="folder for what is found")
    parser.add_argument("--hang", type=float, default=10.0, help="seconds of processor time that an input may take")
    parser.add_argument("--memory", type=int, default=4096, help="MB that the child may hold")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run one input that was found, and stop")
    given = parser.parse_args()
    if given.again is not None:
        from child import once

        return once(given.target, given.again)
    limits = Limits(given.seconds, given.hang, given.memory)
    names = NAMES if given.target == "all" else (given.target,)
    return max(fuzz(name, limits, given.seed, given.found / name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
