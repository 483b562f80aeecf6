"""From a checkpoint file to a proven ONNX file."""

import gc
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from mien_export.baking import SourceFacesInUse, baked, needs_face
from mien_export.benching import peak_mb
from mien_export.checkpoint import Checkpoint, read_checkpoint
from mien_export.fused import Fused
from mien_export.graph import ExportError, GraphOptions, loaded, write_onnx
from mien_export.precision.lowering import Precision, lower
from mien_export.progress import Progress
from mien_export.proof.cases import looked_into, make_cases
from mien_export.proof.gates import Raised
from mien_export.proof.identity import IdentityJudge
from mien_export.proof.pixels import fed
from mien_export.proof.prove import Made, Proof, prove
from mien_export.proof.report import save
from mien_export.proof.serving import GATE_STAMP
from mien_export.recognising import AskError, Found, Said, network_for
from mien_models.specs.network import SwapSpec, Terms
from mien_models.system.causes import cause_of
from mien_models.system.npy import numbers_of
from mien_models.system.one_writer import only_writer
from mien_models.system.printable import printable

_NO_MAP: Final = "none"
CONSENT_STAMP: Final = "mien.consent"
"""Under which a file with a face inside says by what right it was made."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A checkpoint and what it is of."""

    wish: "Wish"
    sha256: str
    taken_from: str
    found: Found
    identity_map: Tensor | None
    needs_no_map: bool
    weights: int
    """How many numbers there are."""

    @property
    def lacks_map(self) -> bool:
        """Whether whoever adds the exported file has to give its identity map."""
        spec = self.found.network.spec(has_map=self.needs_no_map or self.identity_map is not None)
        return isinstance(spec, SwapSpec) and spec.identity.map == "file"

    def state(self) -> dict[str, Tensor]:
        """Read the weights, in full precision; whoever has done with them lets their memory go.

        Raises:
            ExportError: the file was changed since it was recognised.
        """
        checkpoint = _read(self.wish)
        if checkpoint.source_sha256 != self.sha256:
            raise ExportError(f"{self.wish.path.name!r} was changed while it was exported; export it again.")
        # Half-precision weights are computed with in full: the reference is the numbers, not their rounding.
        own = self.found.state_in(checkpoint.state)
        return {key: one.float() if one.is_floating_point() else one for key, one in own.items()}

    def reference(self) -> nn.Module:
        """Make what is deployed, with the checkpoint's weights."""
        network = self.found.network
        return network.deployed(loaded(network, self.state()), self.identity_map).eval()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user says of a checkpoint; see `read_checkpoint` and `network_for`."""

    path: Path
    arch: str | None = None
    manifest: Path | None = None
    size_px: int | None = None
    variant: str | None = None
    group: str | None = None
    allow_pickle: bool = False
    in_use: SourceFacesInUse | None = None
    """The face for networks that are made anew for each face."""

    @property
    def said(self) -> Said:
        """What of it concerns the network."""
        return Said(self.arch, self.manifest, self.size_px, self.variant, self.group, self.path)


def read_source(wish: Wish, emap: str | None = None) -> Source:
    """Read a checkpoint and recognise it.

    Args:
        wish: which, and how.
        emap: a .npy file with the identity map that the network was trained with, or 'none' if it had none.

    Raises:
        CheckpointError, RecogniseError, AskError: as `read_checkpoint` and `network_for`.
        ExportError: the identity map is no square matrix of numbers.
    """
    checkpoint = _read(wish)
    found = network_for(checkpoint.state, wish.said)
    weights = sum(one.numel() for one in found.state_in(checkpoint.state).values())
    needs_no_map = emap == _NO_MAP
    identity_map = None if emap is None or needs_no_map else _read_map(Path(emap))
    return Source(wish, checkpoint.source_sha256, checkpoint.taken_from, found, identity_map, needs_no_map, weights)


def _read(wish: Wish) -> Checkpoint:
    """Read a checkpoint; where it makes a network for a face, make it."""
    checkpoint = read_checkpoint(wish.path, allow_pickle=wish.allow_pickle)
    if not needs_face(checkpoint.state):
        if wish.in_use is not None:
            raise AskError(
                "--face is for weights that make a network for one face, as MobileFaceSwap's; leave it away."
            )
        return checkpoint
    state = baked(checkpoint.state, wish.in_use, allow_pickle=wish.allow_pickle)
    return replace(checkpoint, state=state, taken_from=f"{checkpoint.taken_from}, made for the face of the photo")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file shall be."""

    batch: int | None = None
    """A fixed number of pictures; None leaves it free."""
    precision: Precision = "fp32"
    is_fused: bool = False
    """Whether pixels go in and come out, uint8 BGR in rows."""
    terms: Terms | None = None
    """Of the weights, where somebody said them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proof is made with."""

    faces: Path | None = None
    """A folder of pictures; None takes a portrait."""
    identity: Path | None = None
    """An identity network that compares persons; None compares none."""
    raised: Raised | None = None
    """What files may differ more than usual, and why."""


def export(source: Source, path: Path, *, shape: Shape, asked: Asked, progress: Progress) -> Proof:
    """Write an ONNX file, prove it, and give it its name only when it passed.

    Beside it stand the proof's `.proof.json` and `.proof.png`, also when it failed.

    Raises:
        ExportError: the weights do not fit, or a gate failed; the proof says which.
    """
    found, began_s = source.found, monotonic()
    stamps = {"mien.source": printable(source.wish.path.name), "mien.source_sha256": source.sha256}
    if source.wish.in_use is not None:
        stamps[CONSENT_STAMP] = source.wish.in_use.consent
    if asked.raised is not None:
        stamps[GATE_STAMP] = json.dumps(asdict(asked.raised))
    is_lowered = shape.precision != "fp32"
    options = GraphOptions(
        shape.batch, source.identity_map, source.needs_no_map, shape.terms, may_be_apart=is_lowered, stamps=stamps
    )
    network = Fused(found.network) if shape.is_fused else found.network
    # Beside its place, so that giving it its name is one step on the same disk.
    with only_writer(path) as part, tempfile.TemporaryDirectory(prefix=".unproven-", dir=path.parent) as folder:
        unproven = Path(folder) / path.name
        progress("reading the weights")
        write_onnx(network, source.state(), unproven, options, progress)
        # The traced program holds the weights in circles of references.
        gc.collect()
        if is_lowered:
            progress("measuring the numbers inside")
            runs = looked_into(make_cases(found.network, asked.faces))
            given = [fed(one, found.network, is_fused=shape.is_fused, batch=shape.batch) for one in runs]
            lower(unproven, shape.precision, given)
        proof = hold_against(source, [unproven], asked=asked, progress=progress)
        proof = replace(proof, made=Made(monotonic() - began_s, peak_mb()))
        written = save(proof, found.network, source.sha256, path.with_name(f"{path.stem}.proof"))
        if proof.has_failed:
            told = "; ".join(proof.files[0].failures[:3])
            raise ExportError(
                f"{path.name!r} was not kept, since it is not what the checkpoint is: {told}. {written[0]} has it all."
            )
        # Else it may look like what a run left long ago.
        unproven.touch()
        unproven.replace(part)
    return proof


def hold_against(source: Source, paths: Sequence[Path], *, asked: Asked, progress: Progress) -> Proof:
    """Prove files against a checkpoint.

    Raises:
        ExportError: the weights do not fit.
    """
    network = source.found.network
    judge = None if asked.identity is None else IdentityJudge(asked.identity)
    cases = make_cases(network, asked.faces, scales_vectors=source.identity_map is not None)
    return prove(source.reference, network, paths, cases, progress=progress, judge=judge, raised=asked.raised)


def _read_map(path: Path) -> Tensor:
    try:
        numbers = numbers_of(path.read_bytes())
    except (OSError, ValueError) as error:
        why = cause_of(error) if isinstance(error, OSError) else error
        raise ExportError(f"{str(path)!r} should be the identity map as a .npy file, but: {why}.") from error
    if numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1]:
        raise ExportError(f"{str(path)!r} should hold a square matrix, such as 512 x 512.")
    return torch.from_numpy(np.ascontiguousarray(numbers, np.float32))
