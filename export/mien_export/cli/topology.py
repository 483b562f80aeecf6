"""`mien-export topology`: the face mesh's triangles, compared with the official ones."""

from pathlib import Path
from typing import Annotated

import typer


def topology(
    task: Annotated[Path, typer.Argument(help="MediaPipe's face_landmarker.task.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the .npz file anew.")] = None,
) -> None:
    """Compare the face mesh's triangles with those of the official bundle."""
    from mien_export.recipes.topology import take_topology

    typer.echo(take_topology(task, output), err=True)
