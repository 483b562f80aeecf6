"""What several commands ask for: a checkpoint and what it is of."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from mien_models.errors import UsageError
from mien_models.system.printable import in_one_line

if TYPE_CHECKING:
    from mien_export.baking import SourceFacesInUse
    from mien_export.exporting import Source, Wish
    from mien_export.proof.gates import Raised

_OF_CHECKPOINTS: Final = frozenset({".pth", ".pt", ".ckpt", ".tar", ".safetensors", ".pdparams"})

Checkpoint: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT", help=".pth, .pt, .ckpt, .tar, .safetensors or .pdparams; nothing in it is run."
    ),
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
Variant: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Which network it is, where several have the same keys; asked when it is needed."
    ),
]
Group: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="PREFIX", help="What stands before its keys, where a file holds the same network twice."),
]
Emap: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.npy|none",
        help="The identity map it was trained with, as inswapper and ReSwapper were; none for none.",
    ),
]
AllowPickle: TypeAlias = Annotated[
    bool, typer.Option("--allow-pickle", help="Open a file that runs its own code, in a process without network.")
]
Face: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="PHOTO", help="For weights that make a network for one face: the source face."),
]
FaceNetwork: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The identity network that sees --face: a checkpoint of SimSwap's.")
]
Consent: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="self|granted|synthetic|public-domain", help="By what right the face of --face is used."),
]
Faces: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Pictures of faces to prove it on; by default a portrait.")
]


Identity: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE.onnx", help="An identity network, such as an ArcFace, to compare the persons by."),
]
Gate: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        min=0.0001,
        max=0.25,
        help="Largest difference to allow, black to white being 1; needs --reason.",
    ),
]
Reason: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Why --gate is right for this network; written into the file.")
]


def say(text: str) -> None:
    """Tell people how far it is."""
    typer.echo(f"mien-export: {in_one_line(text)}", err=True)


def check_exported(paths: Sequence[Path]) -> None:
    """Refuse what cannot have been exported.

    Raises:
        UsageError: a file is not there, or a checkpoint, as where both were given in the wrong order.
    """
    for path in paths:
        if not path.is_file():
            raise UsageError(f"There is no file {str(path)!r}; give one that mien-export onnx wrote.")
        if path.suffix.lower() in _OF_CHECKPOINTS:
            raise UsageError(
                f"{path.name!r} is named as a checkpoint, and a file that was exported is expected in its place; "
                f"mien-export onnx {path.name} -o {path.stem}.onnx makes one."
            )


def raised_gate(gate: float | None, reason: str | None) -> "Raised | None":
    """Take both or none of --gate and --reason.

    Raises:
        UsageError: one of them is missing.
    """
    if gate is None and reason is None:
        return None
    if gate is None or reason is None or not reason.strip():
        raise UsageError("--gate and --reason go together: how much more may differ, and why that is right.")
    from mien_export.proof.gates import Raised

    return Raised(gate, reason.strip())


def worn_face(face: Path | None, network: Path | None, consent: str | None) -> "SourceFacesInUse | None":
    """Take --face, --face-network and --consent, which go together.

    Raises:
        UsageError: one of them is missing, or the consent is none that there is.
    """
    if face is None and network is None and consent is None:
        return None
    from mien_export.baking import CONSENTS, SourceFacesInUse

    if face is None or network is None or consent not in CONSENTS:
        raise UsageError(
            "--face PHOTO goes together with --face-network FILE and --consent "
            f"{'|'.join(CONSENTS)}: whose face it is has to be said where one becomes a part of a file."
        )
    return SourceFacesInUse(face, network, consent)


def told_source(wish: "Wish", emap: str | None) -> "Source":
    """Read a checkpoint and find out what it is of, telling both."""
    from mien_export.exporting import read_source

    say(f"reading {wish.path.name}")
    found = read_source(wish, emap)
    say(f"weights from {found.taken_from}: {found.found.name}, {found.weights / 1e6:.1f} million numbers")
    for note in found.found.notes:
        say(note)
    if found.lacks_map:
        say(
            "its identity map is not in the checkpoint: give --emap FILE.npy (inswapper and ReSwapper were trained "
            "with one), or --emap none if it had none; without either, `mien models add` asks for it"
        )
    return found
