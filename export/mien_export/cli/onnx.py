"""`mien-export onnx`: a checkpoint as one ONNX file, proven."""

from pathlib import Path
from typing import Annotated

import typer

from mien_export.cli import shared
from mien_export.cli.bar import shown
from mien_models.errors import UsageError
from mien_models.system.printable import json_text


def onnx(
    checkpoint: shared.Checkpoint,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="The file to write.")],
    arch: shared.Arch = None,
    manifest: shared.Manifest = None,
    size: shared.Size = None,
    variant: shared.Variant = None,
    group: shared.Group = None,
    emap: shared.Emap = None,
    batch: Annotated[str, typer.Option(metavar="dynamic|N", help="How many pictures at once.")] = "dynamic",
    precision: Annotated[
        str, typer.Option(metavar="fp32|fp16|mixed", help="mixed: half, but for what measured numbers forbid.")
    ] = "fp32",
    fused: Annotated[
        bool, typer.Option("--fused", help="Pixels in and out: uint8 BGR in rows, nothing left to convert.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(metavar="SPDX", help="The weights' licence; without it the file says nothing of one.")
    ] = None,
    allow_pickle: shared.AllowPickle = False,
    face: shared.Face = None,
    face_network: shared.FaceNetwork = None,
    consent: shared.Consent = None,
    faces: shared.Faces = None,
    identity: shared.Identity = None,
    gate: shared.Gate = None,
    reason: shared.Reason = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")] = False,
) -> None:
    """Write a checkpoint as one ONNX file that `mien models add` takes, and prove that it computes the same.

    It is held against the checkpoint's weights in Mien's own torch module of their network, which the project's tests
    hold against the code that the network was published with. Beside FILE.onnx stand FILE.proof.json and
    FILE.proof.png. A file that fails a gate is not kept: exit 1.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageError(f"-o should name an .onnx file, not {output.name!r}.")
    if not output.parent.is_dir():
        raise UsageError(f"-o should go to a folder that is there; make {str(output.parent)!r} first.")
    pictures, raised = _pictures(batch), shared.raised_gate(gate, reason)
    in_use = shared.worn_face(face, face_network, consent)
    from mien_export.exporting import Asked, Shape, Wish, export
    from mien_export.precision.lowering import PRECISIONS, Precision
    from mien_export.proof.report import as_data, table
    from mien_models.specs.network import Terms

    chosen: Precision | None = next((one for one in PRECISIONS if one == precision), None)
    if chosen is None:
        raise UsageError(f"--precision takes {', '.join(PRECISIONS)}, not {precision!r}.")
    wish = Wish(checkpoint, arch, manifest, size, variant, group, allow_pickle, in_use)
    source = shared.told_source(wish, emap)
    terms = None if licence is None else Terms(licence, f"Given at the export: {licence}.")
    shape = Shape(pictures, chosen, fused, terms)
    with shown() as progress:
        proof = export(source, output, shape=shape, asked=Asked(faces, identity, raised), progress=progress)
    typer.echo(json_text(as_data(proof, source.sha256)) if as_json else table(proof))
    if terms is None:
        shared.say("nobody said under what licence these weights are, so the file says none; --licence NAME says it")
    shared.say(f"{output.name} is ready: mien models add {output.name}{' --map FILE.npy' if source.lacks_map else ''}")


def _pictures(batch: str) -> int | None:
    if batch == "dynamic":
        return None
    if not batch.isdigit() or not 1 <= int(batch) <= 64:
        raise UsageError(f"--batch takes 'dynamic' or a number from 1 to 64, not {batch!r}.")
    return int(batch)
