"""`mien-export verify`: whether files compute what a checkpoint's network computes."""

from pathlib import Path
from typing import Annotated

import typer

from mien_export.cli import shared
from mien_export.cli.bar import shown
from mien_models.system.printable import json_text


def verify(
    checkpoint: shared.Checkpoint,
    files: Annotated[list[Path], typer.Argument(metavar="FILE.onnx...", help="What was exported from it.")],
    *,
    arch: shared.Arch = None,
    manifest: shared.Manifest = None,
    size: shared.Size = None,
    variant: shared.Variant = None,
    group: shared.Group = None,
    emap: shared.Emap = None,
    allow_pickle: shared.AllowPickle = False,
    face: shared.Face = None,
    face_network: shared.FaceNetwork = None,
    consent: shared.Consent = None,
    faces: shared.Faces = None,
    identity: shared.Identity = None,
    gate: shared.Gate = None,
    reason: shared.Reason = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="BASE", help="Write BASE.json and BASE.png; else FILE.proof, beside FILE."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")] = False,
) -> None:
    """Hold files against the checkpoint in Mien's torch module of its network.

    They are asked noise, flat colours, black and real faces, alone and in batches.

    Exit 1 when one differs by more than its manifest allows. An engine that cannot run here is said to be not proven.
    """
    shared.check_exported(files)
    raised, in_use = shared.raised_gate(gate, reason), shared.worn_face(face, face_network, consent)
    from mien_export.exporting import Asked, Wish, hold_against
    from mien_export.proof.report import as_data, table
    from mien_export.proof.report import save as save_proof

    wish = Wish(checkpoint, arch, manifest, size, variant, group, allow_pickle, in_use)
    source = shared.told_source(wish, emap)
    with shown() as progress:
        proof = hold_against(source, files, asked=Asked(faces, identity, raised), progress=progress)
    base = save or files[0].with_name(f"{files[0].stem}.proof")
    written = save_proof(proof, source.found.network, source.sha256, base)
    typer.echo(json_text(as_data(proof, source.sha256)) if as_json else table(proof))
    shared.say(f"written: {', '.join(map(str, written))}")
    if proof.has_failed:
        raise typer.Exit(1)
