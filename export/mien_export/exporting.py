"""From a checkpoint file to a proven ONNX file."""

import gc
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mien_export.benching import peak_mb
from mien_export.checkpoint import read_checkpoint
from mien_export.fused import Fused
from mien_export.graph import ExportError, GraphOptions, loaded, write_onnx
from mien_export.precision.lowering import Precision, lower
from mien_export.proof.cases import looked_into, make_cases
from mien_export.proof.identity import IdentityJudge
from mien_export.proof.pixels import fed
from mien_export.proof.prove import Made, Proof, prove
from mien_export.proof.report import save
from mien_export.recognising import Found, network_for
from mien_models.causes import cause_of
from mien_models.one_writer import only_writer
from mien_models.printable import printable
from mien_models.spec import SwapSpec, Terms

_NO_MAP: Final = "none"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A checkpoint and what it is of."""

    path: Path
    state: Mapping[str, Tensor]
    sha256: str
    taken_from: str
    found: Found
    identity_map: Tensor | None
    needs_no_map: bool

    @property
    def lacks_map(self) -> bool:
        """Whether whoever adds the exported file has to give its identity map."""
        spec = self.found.network.spec(has_map=self.needs_no_map or self.identity_map is not None)
        return isinstance(spec, SwapSpec) and spec.identity.map == "file"

    @property
    def weights(self) -> int:
        """How many numbers there are."""
        return sum(one.numel() for one in self.state.values())


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user says of a checkpoint; see `read_checkpoint` and `network_for`."""

    path: Path
    arch: str | None = None
    manifest: Path | None = None
    size_px: int | None = None
    allow_pickle: bool = False


def read_source(wish: Wish, emap: str | None = None) -> Source:
    """Read a checkpoint and recognise it.

    Args:
        wish: which, and how.
        emap: a .npy file with the identity map that the network was trained with, or 'none' if it had none.

    Raises:
        CheckpointError, RecogniseError: as `read_checkpoint` and `network_for`.
        ExportError: the identity map is no square matrix of numbers.
    """
    checkpoint = read_checkpoint(wish.path, allow_pickle=wish.allow_pickle)
    found = network_for(checkpoint.state, wish.arch, manifest=wish.manifest, size_px=wish.size_px)
    # Half-precision checkpoints are computed with in full precision: the reference is the weights, not their rounding.
    state = {key: one.float() if one.is_floating_point() else one for key, one in checkpoint.state.items()}
    needs_no_map = emap == _NO_MAP
    identity_map = None if emap is None or needs_no_map else _read_map(Path(emap))
    return Source(wish.path, state, checkpoint.source_sha256, checkpoint.taken_from, found, identity_map, needs_no_map)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file shall be."""

    batch: int | None = None
    """A fixed number of pictures; None leaves it free."""
    precision: Precision = "fp32"
    is_fused: bool = False
    """Whether pixels go in and come out, uint8 BGR in rows."""
    terms: Terms | None = None
    """Of the weights; by default what is known of their kind."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proof is made with."""

    faces: Path | None = None
    """A folder of pictures; None takes a portrait."""
    identity: Path | None = None
    """An identity network that compares persons; None compares none."""


def export(source: Source, path: Path, *, shape: Shape, asked: Asked, progress: Progress) -> Proof:
    """Write an ONNX file, prove it, and give it its name only when it passed.

    Beside it stand the proof's `.proof.json` and `.proof.png`, also when it failed.

    Raises:
        ExportError: the weights do not fit, or a gate failed; the proof says which.
    """
    found, began_s = source.found, monotonic()
    stamps = {"mien.source": printable(source.path.name), "mien.source_sha256": source.sha256}
    options = GraphOptions(shape.batch, source.identity_map, source.needs_no_map, shape.terms or found.terms, stamps)
    network = Fused(found.network) if shape.is_fused else found.network
    # Beside its place, so that giving it its name is one step on the same disk.
    with only_writer(path) as part, tempfile.TemporaryDirectory(prefix=".unproven-", dir=path.parent) as folder:
        unproven = Path(folder) / path.name
        progress("tracing the network")
        write_onnx(network, source.state, unproven, options)
        # The traced program holds the weights in circles of references.
        gc.collect()
        if shape.precision != "fp32":
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
    reference = network.deployed(loaded(network, source.state), source.identity_map).eval()
    return prove(reference, network, paths, make_cases(network, asked.faces), progress=progress, judge=judge)


def _read_map(path: Path) -> Tensor:
    try:
        numbers = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ExportError(
            f"{str(path)!r} should be the identity map as a .npy file, but: {cause_of(error)}."
        ) from error
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1]:
        raise ExportError(f"{str(path)!r} should hold a square matrix, such as 512 x 512.")
    return torch.from_numpy(np.ascontiguousarray(numbers, np.float32))
