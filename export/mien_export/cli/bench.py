"""`mien-export bench`: what files cost here."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mien_export.cli import shared
from mien_models.system.printable import json_text


def bench(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.onnx...", help="Side by side; ratios are to the first.")],
    *,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="How often each is run.")] = 20,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads that each may use.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure time and memory of ONNX files on the processor, each in a process of its own, a picture at a time."""
    shared.check_exported(files)
    from mien_export.benching import Cost, table
    from mien_export.benching import bench as measured

    costs: list[Cost] = []
    for path in files:
        shared.say(f"running {path.name} {runs} times")
        costs.append(measured(path, runs=runs, threads=threads))
    typer.echo(json_text([asdict(one) for one in costs]) if as_json else table(costs))
