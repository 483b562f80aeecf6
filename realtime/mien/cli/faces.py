"""`mien faces`: look at the faces that can be used."""

from pathlib import Path
from typing import Annotated, Final

import typer

from mien.cli.faces_library import add, list_faces, remove

faces: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


faces.command()(add)
faces.command("list")(list_faces)
faces.command()(remove)


@faces.callback()
def look() -> None:
    """Keep faces that can be used, with the right to each, and look at them first."""


@faces.command()
def show(
    context: typer.Context,
    photos: Annotated[
        list[str], typer.Argument(metavar="NAME|PHOTO...", help="A face of your library, or photos of one person.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.png", help="Picture to write; PHOTO-understood.png by default."),
    ] = None,
) -> None:
    """Write a picture of what was understood of a face's photos, and print its name; what to mend is said in words."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console, console.status("Looking at the face ..."):
        from mien.diagnostics.face_preview.show import show_face

        print(show_face(photos, output))
