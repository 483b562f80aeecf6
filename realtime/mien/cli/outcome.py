"""What `mien swap` says at the end, and its report."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import typer

from mien.offline import OfflineResult

_LOG = logging.getLogger(__name__)


def finish(result: OfflineResult, notes: Mapping[str, str], output_path: Path, report_path: Path | None) -> None:
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


def _faceless(result: OfflineResult) -> str:
    """Say how many frames stayed as they were because no face was found in them."""
    count = result.frames_written - result.frames_swapped - result.frames_left
    return f", {count} without a face" if count else ""
