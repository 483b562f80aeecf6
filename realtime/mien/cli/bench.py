"""`mien bench`: how fast it is here."""

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mien.cli import flags
from mien.cli.flags import JsonFile, setting_flags
from mien_models.errors import MienError
from mien_models.system.atomic_write import write_text_whole
from mien_models.system.causes import cause_of
from mien_models.system.printable import json_text, shown

if TYPE_CHECKING:
    from mien.diagnostics.bench.live import LiveBench

bench: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@bench.callback()
def measure() -> None:
    """Measure how fast it is here: medians and ratios of one run, in a scene that is the same everywhere."""


@bench.command()
def stages(
    context: typer.Context,
    json_file: JsonFile = None,
    swapper: Annotated[str, typer.Option(metavar="NAME", help="What swaps: 'mesh' or one of your models.")] = "mesh",
    frames: Annotated[int, typer.Option(min=20, help="How many frames are measured.")] = 300,
) -> None:
    """Measure what one 720p frame with a face of 380 px costs on one thread, stage by stage."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console, console.status("Measuring ..."):
        from mien.diagnostics.bench.stages import bench_stages

        result = asdict(bench_stages(swapper, frames))
    _give(result, json_file)


@bench.command()
def live(
    context: typer.Context,
    json_file: JsonFile = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long each of the two runs lasts; 300 is a real test.")
    ] = 20,
) -> None:
    """Measure how old frames are in the live loop, as it is and with a stage of 75 ms that is too slow for 30 fps."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console, console.status("Measuring ..."):
        from mien.diagnostics.bench.live import bench_loop

        usual, overloaded = bench_loop(seconds)
    _give({"usual": _summary(usual), "overloaded": _summary(overloaded)}, json_file)


@bench.command()
@setting_flags("face", "swap", "look")
def quality(
    context: typer.Context,
    clip: Annotated[str, typer.Option(metavar="CLIP", help="Video or folder of pictures to swap.")],
    frames: Annotated[Path, typer.Option(metavar="DIR", help="Where the composed frames go, as 000000.png ...")],
    limit: Annotated[int, typer.Option(min=1, max=300, help="Frames at most.")] = 300,
    json_file: flags.JsonFile = None,
    config: flags.Config = None,
) -> None:
    """Swap a clip frame by frame, keep the frames before the marks, and measure how they look."""
    from mien.cli.console import asker, progress_bar, terminal
    from mien.config.settings_file import load_settings

    with terminal(is_debug=bool(context.obj)) as console:
        settings = load_settings(flags.given(context.params), config)
        from mien.diagnostics.bench.quality import bench_quality
        from mien.pipeline.interfaces import SourceRequest
        from mien.session.build import clip_work
        from mien.session.options import resolve
        from mien.sources.registry import make_source

        source = make_source(SourceRequest(clip))
        work = clip_work(resolve(settings), ask=asker())
        with progress_bar(console, frames.name) as show:
            report = bench_quality(
                source, work.stages, work.source_photo, frames, landmarker=work.landmarker, limit=limit, progress=show
            )
    _give(asdict(report), json_file)


@bench.command()
def sync(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A recording of --camera synthetic --microphone synthetic, by whatever program; "
            "without one, a recording is made.",
        ),
    ] = None,
    json_file: JsonFile = None,
    seconds: Annotated[float, typer.Option(min=5, help="How long the recording lasts.")] = 60,
    size: Annotated[str, typer.Option(metavar="WxH", help="Its size.")] = "640x360",
    slow_stage: Annotated[
        float, typer.Option(min=0, help="Milliseconds that are added to every frame's way in the second half.")
    ] = 40,
    microphone_ppm: Annotated[
        float, typer.Option(min=-1000, max=1000, help="How much too fast the microphone's clock runs, in millionths.")
    ] = 300,
    sink: Annotated[
        list[str] | None,
        typer.Option(metavar="SINK", help="What gets the same claps besides, as 'mien run' takes it; repeatable."),
    ] = None,
) -> None:
    """Measure how far picture and sound lie apart: claps that are seen and heard at the same instant."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console:
        from mien.config.settings_file import load_settings
        from mien.diagnostics.bench.sync import bench_sync, measured
        from mien.pipeline.frame import OutputFormat

        if file is not None:
            _give(asdict(measured(file)), json_file)
            return
        width, height = load_settings({"size": size}).size or (640, 360)
        with console.status(f"Recording {seconds:.0f} s of claps ..."):
            result = bench_sync(
                seconds,
                OutputFormat(width, height, Fraction(30)),
                slow_stage_ms=slow_stage,
                microphone_ppm=microphone_ppm,
                specs=sink or (),
            )
    _give(asdict(result), json_file)


def _summary(result: "LiveBench") -> dict[str, Any]:
    return {
        "slow_stage_ms": result.slow_stage_ms,
        "law": None if result.law is None else asdict(result.law),
        "drift": None if result.drift is None else asdict(result.drift),
        "report": asdict(result.report),
    }


def _give(result: Mapping[str, Any], json_file: Path | None) -> None:
    """Print the result, or write it where `--json` says."""
    text = json_text(result) + "\n"
    if json_file is None:
        print(text, end="")
        return
    try:
        write_text_whole(json_file, text)
    except OSError as error:
        raise MienError(f"The result could not be written to {shown(json_file)}: {cause_of(error)}.") from error
