"""The flags that several commands share; one that is not given stays None, so that the settings below it count."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from mien.config.choices import ConsentKind, GateMode, LabelMode

Face: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME|PHOTO",
        help="A face of your library (mien faces add), or a photo; PHOTO#2 takes its second face from the left. "
        "Several photos show one person better.",
        show_default=False,
    ),
]
Consent: TypeAlias = Annotated[
    ConsentKind | None,
    typer.Option(help="Whose face it is: mine, of somebody who agreed, nobody's, in the public domain."),
]
Swapper: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="What swaps the face: 'mesh' is built in, others are your models.")
]
Provider: TypeAlias = Annotated[
    str | None, typer.Option(metavar="auto|NAME", help="What runs the swapper's networks, such as cuda or cpu.")
]
Strength: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..1.5", help="How much of the photo's identity a network is given.")
]
Boost: TypeAlias = Annotated[
    int | None, typer.Option(metavar="1..4", help="Run a network at so many times its resolution.")
]
Morph: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..1", help="How far a DeepFaceLab model that can be morphed is.")
]
Template: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="How faces are aligned for a network; by default as it was trained.")
]
Shape: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..1", help="Proportions of the new face, from the wearer's to the photo's.")
]
Colour: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="How the new face takes the light of the frame.")
]
Detail: TypeAlias = Annotated[
    bool | None,
    typer.Option("--detail/--no-detail", help="Match the camera's sharpness and grain.", show_default=False),
]
Enhance: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME:FILE", help="Make the new face clearer with your GPEN, GFPGAN or RestoreFormer file."),
]
EnhanceStrength: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..1", help="How much of the enhancer's change is used.")
]
Mask: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:FILE]", help="What keeps hands and hair in front of the face; several.", show_default=False
    ),
]
Erode: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..0.3", help="Begin so far inside the outline, in parts of the face's width.")
]
Feather: TypeAlias = Annotated[
    float | None, typer.Option(metavar="0..0.3", help="Fade in over so much of the face's width.")
]
Assign: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="largest|leftmost|all|PERSON=FACE,...", help="Which faces are swapped, or who wears which face."
    ),
]
Label: TypeAlias = Annotated[
    LabelMode | None,
    typer.Option(help="The 'AI MODIFIED' label: on; art (at the start, every 3 minutes); off (this run only)."),
]
ContentGate: TypeAlias = Annotated[
    GateMode | None,
    typer.Option(help="Stop at intimate pictures in: files; always (live cameras too); off (this run only)."),
]
Language: TypeAlias = Annotated[
    str | None, typer.Option(metavar="en|de|fr|es|it|pt|zh", help="Language of the label; the system's by default.")
]
Certificate: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="CHAIN.pem", help="Sign what is written with your own certificate.")
]
CertificateKey: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="KEY.pem", help="The key of that certificate, without a pass-phrase.")
]
Report: TypeAlias = Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write a report of the run there.")]
Config: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Settings file instead of the usual mien.toml.")
]
Threads: TypeAlias = Annotated[int | None, typer.Option(metavar="N", help="Threads of each picture operation.")]
SwapperThreads: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="Threads of the swapper's networks; all cores but two by default.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JsonFile: TypeAlias = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result there.")]


def given(parameters: Mapping[str, object]) -> dict[str, object]:
    """Turn a command's parameters into settings: several sinks and masks, and the tables."""
    others = {"config", "print_config", "input_path", "output_path", "clip", "frames", "limit", "json_file"}
    settings = {name: value for name, value in parameters.items() if name not in others}
    settings["sinks"] = settings.pop("sink", None)
    settings["masks"] = settings.pop("mask", None)
    settings["edge"] = {name: settings.pop(name, None) for name in ("erode", "feather")}
    settings["policy"] = {name: settings.pop(name, None) for name in ("lost", "privacy", "fault")}
    return settings
