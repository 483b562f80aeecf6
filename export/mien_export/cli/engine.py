"""`mien-export engine`: an ONNX file compiled for graphics cards."""

from pathlib import Path
from typing import Annotated

import typer

from mien_export.cli import shared
from mien_models.errors import UsageError
from mien_models.system.printable import json_text


def engine(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="As mien-export onnx wrote it.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.engine", help="The file to write.")],
    kind: Annotated[
        str, typer.Option(metavar="rtx|tensorrt|epcontext", help="rtx builds without a card, the others on it.")
    ] = "rtx",
    target: Annotated[
        str, typer.Option(metavar="sm86,sm89,...", help="Which cards; by default what the builder chooses.")
    ] = "",
    batch: Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Most pictures at once.")] = 4,
    timing_cache: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What tensorrt measured before; kept for the next build.")
    ] = None,
    loads: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version that will load it, where it is another machine's."),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Give up after so long.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print what stands beside the engine.")] = False,
) -> None:
    """Build an engine in a process of its own; FILE.engine.json beside it says of what, by what and for what."""
    shared.check_exported([model])
    if not output.parent.is_dir():
        raise UsageError(f"-o should go to a folder that is there; make {str(output.parent)!r} first.")
    from mien_export.engines.building import build, engine_data
    from mien_export.engines.contracts import Order

    targets = tuple(one.strip() for one in target.split(",") if one.strip())
    _check_loads(kind, loads)
    order = Order(model.absolute(), output.absolute(), targets, batch, timing_cache and timing_cache.absolute())
    built = build(kind, order, shared.say, longest_s=60 * minutes)
    size_mb = output.stat().st_size / 1e6
    shared.say(f"{output} is ready: {size_mb:.0f} MB, {built.build_s:.0f} s, {kind} {built.version}. Not run here.")
    if as_json:
        typer.echo(json_text(engine_data(built)))


def _check_loads(kind: str, loads: str | None) -> None:
    from mien_export.engines.contracts import BUILDERS
    from mien_export.engines.versions import loading_refusal

    version = BUILDERS.load(kind).version()
    refusal = loading_refusal(kind, version, loads) if version and loads else None
    if refusal is not None:
        raise UsageError(refusal)
