"""The command: look, install, measure in order until the time is up, and say what was not reached."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gpu_check import machine, plan, wheels
from gpu_check.results import Results
from gpu_check.running import Step, run

_SPARE_S: Final = 8.0
"""Kept for ending a step and for writing what was found."""
_LEAST_S: Final = 10.0
"""Less time than this is no use to a step."""


def main(words: Sequence[str] | None = None) -> int:
    """Check the machine; 1 when something that should run on the card did not."""
    wanted = _parser().parse_args(words)
    deadline_s = time.monotonic() + 60 * wanted.minutes - _SPARE_S
    work = wanted.work or Path(tempfile.mkdtemp(prefix="mien-gpu-check-"))
    work.mkdir(parents=True, exist_ok=True)
    here = machine.look()
    results = Results(wanted.out.resolve(), here)
    _say(f"{here.card or 'no NVIDIA card'}, driver {here.driver or 'none'}, Python {here.python}, {here.cores} cores")
    routes = plan.ordered_routes(here, wheels.EVERY)
    sites = {}
    if wanted.wheels is not None:
        sites = wheels.install(wanted.wheels.resolve(), work.resolve() / "packages", ["base", *routes])
    results.packages = {name: site.fault for name, site in sites.items()}
    there = {name: site.folder for name, site in sites.items() if not site.fault}
    graphs = plan.graphs_there()
    results.missing = plan.missing(graphs) if here.card else ()
    # Without wheels, whatever this Python has is used, for every way that it may know.
    installed = tuple(there) if wanted.wheels is not None else ("rtx", "cuda", "engines")
    steps = plan.steps(here, graphs, plan.ordered_routes(here, installed))
    chosen = [one for one in steps if not wanted.only or any(word in one.name for word in wanted.only)]
    _measure(chosen, results, there, work.resolve(), deadline_s)
    print((results.folder / "result.md").read_text("utf-8"))
    lacks_card = not here.card and "gpu" in os.environ.get("REQUIRE", "").split(",")
    return 1 if results.has_failed or lacks_card else 0


def _measure(steps: Sequence[Step], results: Results, sites: dict[str, Path], work: Path, deadline_s: float) -> None:
    names = [one.name for one in steps]
    results.not_reached = names
    results.write()
    for place, step in enumerate(steps):
        left_s = deadline_s - time.monotonic()
        if left_s < _LEAST_S:
            break
        outcome = run(step, plan.sites_of(step, sites), work, left_s)
        results.outcomes.append(outcome)
        results.not_reached = names[place + 1 :]
        results.write()
        _say(f"{outcome.seconds:6.1f} s  {'ok' if outcome.is_right else 'WRONG'}  {step.name}  {outcome.fault}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_check", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where result.json and result.md go")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="wheels to install first, whole or in parts")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="N", help="never longer than this")
    parser.add_argument("--work", type=Path, metavar="DIR", help="kept for the next call: packages and weights")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="only steps with such a word in their name"
    )
    return parser
