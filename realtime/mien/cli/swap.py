"""`mien swap`: one picture or video."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mien.cli import flags
from mien.cli.flags import setting_flags

if TYPE_CHECKING:
    from mien.pipeline.offline import OfflineResult

_LOG = logging.getLogger(__name__)
_LIVE_ONLY: Final = ("policy.lost", "policy.privacy", "policy.fault", "seconds")


def finish(result: "OfflineResult", notes: Mapping[str, str], output_path: Path, report_path: Path | None) -> None:
    """Say what became of a file and write the report.

    Raises:
        MienError: the report cannot be written.
        typer.Exit: the input was not complete, or the output could not be signed.
    """
    is_well = result.is_complete and result.is_signed
    for note in result.notes:
        (_LOG.info if is_well else _LOG.warning)(note)
    frames = "1 frame" if result.frames_written == 1 else f"{result.frames_written} frames"
    _LOG.info("%s: %s, %d of them swapped%s.", output_path, frames, result.frames_swapped, _faceless(result))
    if report_path is not None:
        replace(result.report, notes={**notes, **result.report.notes}).save(report_path)
    if not is_well:
        raise typer.Exit(1)


def _faceless(result: "OfflineResult") -> str:
    """Say how many frames stayed as they were because no face was found in them."""
    count = result.frames_written - result.frames_swapped - result.frames_left
    return f", {count} without a face" if count else ""


@setting_flags("face", "swap", "look", "safety", "run", without=_LIVE_ONLY)
def swap(
    context: typer.Context,
    input_path: Annotated[Path, typer.Argument(metavar="INPUT", help="Picture or video to read; it is not changed.")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="File to write; its suffix says the format.")],
    config: flags.Config = None,
) -> None:
    """Swap the faces of a picture or video; sound and metadata are kept, frames without a face stay as they are.

    Exit 1 also when the input is cut off or damaged: what could be read is in OUTPUT then.
    """
    from mien.cli.console import asker, progress_bar, terminal
    from mien.config.settings import load_settings

    with terminal(is_debug=bool(context.obj)) as console:
        settings = load_settings(flags.given(context.params), config)
        from mien.pipeline.offline import swap_file
        from mien.session.build import file_work
        from mien.session.options import resolve

        work = file_work(resolve(settings), input_path, output_path, ask=asker())
        with work.log.lasting(), progress_bar(console, output_path.name) as show:
            result = swap_file(
                input_path, output_path, work.stages, progress=show, providers=work.providers, signer=work.signer
            )
            work.log.end(result.report, result.shortcoming)
        finish(result, work.notes, output_path, settings.report)
