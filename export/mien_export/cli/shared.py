"""What several commands ask for: a checkpoint and what it is of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from mien_models.printable import in_one_line

if TYPE_CHECKING:
    from mien_export.exporting import Source, Wish

Checkpoint: TypeAlias = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help=".pth, .pt, .tar or .safetensors; nothing in it is run.")
]
Arch: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME|package.module:Class", help="The architecture; by default found by the key names."),
]
Manifest: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="What a class of your own takes and gives.")
]
Size: TypeAlias = Annotated[
    int | None, typer.Option(metavar="PX", help="Side of the crop, where the weights serve several.")
]
Emap: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE.npy|none", help="The identity map it was trained with."),
]
AllowPickle: TypeAlias = Annotated[
    bool, typer.Option("--allow-pickle", help="Open a file that runs its own code, in a process without network.")
]
Faces: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Pictures of faces to prove it on; by default a portrait.")
]


Identity: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE.onnx", help="An identity network, such as an ArcFace, to compare the persons by."),
]


def say(text: str) -> None:
    """Tell people how far it is."""
    typer.echo(f"mien-export: {in_one_line(text)}", err=True)


def told_source(wish: "Wish", emap: str | None) -> "Source":
    """Read a checkpoint and find out what it is of, telling both."""
    from mien_export.exporting import read_source

    say(f"reading {wish.path.name}")
    found = read_source(wish, emap)
    say(f"weights from {found.taken_from}: {found.found.name}, {found.weights / 1e6:.1f} million numbers")
    if found.lacks_map:
        say("its identity map is not in the checkpoint: give --emap FILE.npy, or --emap none if it had none")
    return found
