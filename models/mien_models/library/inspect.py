"""A file that may become a model: what it is, as far as that can be told without running it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.architectures._registry import STAMP, Recognised, recognise
from mien_models.errors import ModelError
from mien_models.library.known_files import KNOWN
from mien_models.library.probing import said_clearly
from mien_models.library.store import name_like
from mien_models.onnx_format.check import check_content, read_network_file
from mien_models.onnx_format.graph import GraphDescription, read_graph
from mien_models.specs.network import IMAGENET_PIXELS, ConvertSpec, EmbedSpec, NetworkSpec, SwapSpec, UserManifest
from mien_models.specs.stored import MANIFEST, StoredModel
from mien_models.specs.toml import read_strictly
from mien_models.system.npy import numbers_of

MAP_FILE: Final = "emap.npy"
"""How ReSwapper calls inswapper's identity map."""
_MAP_SHAPE: Final = (512, 512)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A network that was looked at."""

    content: bytes
    sha256: str
    found: Recognised
    name: str
    """What it may be called where the user gives no name, the same for the same answer to the question."""
    file: str
    """What it is called among its neighbours: safe to write."""

    def suggested_name(self, spec: NetworkSpec) -> str:
        """Give the name by which swappers ask for such a network, as far as that can be told."""
        if not isinstance(spec, EmbedSpec) or self.name.startswith("arcface"):
            return self.name
        return (
            "arcface_simswap"
            if (spec.picture.scale, spec.picture.offset) == IMAGENET_PIXELS
            else f"arcface_{self.name}"
        )


def look_at(path: Path, *, called: str | None = None, family: str | None = None) -> Candidate:
    """Read a file and recognise it; where it leaves open what it gives, it is run once in another process.

    Args:
        path: an ONNX or DFM file.
        called: its name where it came from; None for the path's own.
        family: what it is, where the user knows better.

    Raises:
        ModelError: it is no network, or of no family; one sentence says what to do.
        AmbiguousError: it may be of several families.
        UnknownPluginError: no family has that name.
    """
    shown = called or path.name
    content = read_network_file(path)
    graph = read_graph(content, shown)
    if STAMP not in graph.stamps:
        graph = said_clearly(graph, content, shown)
    found = recognise(graph, shown, family=family)
    sha256 = hashlib.sha256(content).hexdigest()
    found = replace(found, terms=KNOWN.get(sha256, found.terms))
    stem = shown.rpartition(".")[0] or shown
    suffix = ".dfm" if shown.lower().endswith(".dfm") else ".onnx"
    name = name_like(stem)
    return Candidate(content, sha256, found, name, name + suffix)


def look_as_described(path: Path, manifest: UserManifest) -> Candidate:
    """Read a file that comes with a manifest.

    Raises:
        ModelError: it is no network, or another one than the manifest describes.
    """
    content = read_network_file(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != manifest.sha256:
        raise ModelError(
            f"{str(path)!r} is not the file that its manifest describes: sha256 should be {manifest.sha256}, "
            f"is {sha256}. Get it again, or correct the manifest."
        )
    check_names(read_graph(content, path.name), manifest.network, path.name)
    return Candidate(
        content, sha256, Recognised.surely(manifest.network, manifest.licence), manifest.name, manifest.file
    )


def read_description(path: Path) -> UserManifest:
    """Read a manifest that somebody wrote.

    Raises:
        ModelError: it cannot be read, it is wrong, or it names files that are not beside it.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{str(path)!r} should be a manifest, but cannot be read. Give another file.") from error
    manifest = read_strictly(text, str(path), UserManifest)
    for name in filter(None, (manifest.file, manifest.side_file)):
        if Path(name).name != name or name in {"..", MANIFEST}:
            raise ModelError(f"{str(path)!r} should name files beside it, but names {name!r}. Correct it.")
    return manifest


def recheck(stored: StoredModel) -> None:
    """Look at a model again: its files are those that were added, and they are what the manifest says.

    Raises:
        ModelError: they are not.
    """
    name = stored.manifest.name
    content = stored.weights()
    check_content(content, name)
    check_names(read_graph(content, name), stored.manifest.network, name)
    if stored.manifest.side_file is not None or needs_map(stored.manifest.network):
        stored.side_map()


def needs_map(spec: NetworkSpec) -> bool:
    """Say whether an identity map has to stand beside the weights."""
    return isinstance(spec, SwapSpec) and spec.identity.map == "file"


def read_map(path: Path) -> bytes:
    """Read an identity map and give it as a .npy file of our own writing.

    Raises:
        ModelError: it is no square of numbers.
    """
    try:
        numbers: NDArray[Any] = np.asarray(numbers_of(path.read_bytes()), np.float32)
    except (ValueError, OSError) as error:
        raise ModelError(f"{str(path)!r} should be an identity map, a .npy file, but is not. Give another.") from error
    if numbers.shape != _MAP_SHAPE or not np.isfinite(numbers).all():
        raise ModelError(
            f"{str(path)!r} should hold {_MAP_SHAPE} numbers, but holds {numbers.shape}. "
            "Give the file that came with the model."
        )
    written = BytesIO()
    np.save(written, numbers, allow_pickle=False)
    return written.getvalue()


def needed_networks(spec: NetworkSpec) -> tuple[str, ...]:
    """Name the other models without which a swapper does not work."""
    if not isinstance(spec, SwapSpec):
        return ()
    return tuple(name for name in (spec.identity.network, spec.identity.converter) if name is not None)


def check_names(graph: GraphDescription, spec: NetworkSpec, name: str) -> None:
    """Check that a file has the inputs and outputs that its spec names.

    Raises:
        ModelError: one is missing.
    """
    inputs: Mapping[str, object] = graph.inputs
    if isinstance(spec, (EmbedSpec, ConvertSpec)):
        taken, given = [spec.input], [spec.output]
    else:
        taken = [one for one in (spec.names.target, spec.names.source, spec.names.morph) if one is not None]
        given = [spec.names.output, *spec.names.masks]
    for asked, there, what in ((taken, inputs, "takes"), (given, graph.outputs, "gives")):
        for one in asked:
            if one not in there:
                raise ModelError(
                    f"{name!r} should be a network that {what} {one!r}, but {what} {', '.join(map(repr, there))}. "
                    "Give the file that belongs to its manifest."
                )
