"""Who a face is, as the numbers that swappers take: made once for each face, kept in memory only.

They are not written to disk: such a vector recognises a person, and belongs there no more than the photo.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.interfaces import Session
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import ConvertSpec, CutSpec, EmbedSpec, IdentitySpec
from mien_models.specs.stored import Models, StoredModel
from mien_models.types import FaceView, as_f32, unit

VectorF32 = NDArray[np.float32]
OpenModel = Callable[[StoredModel], Session]
"""Loads a stored model's network where it shall run."""
_KEPT: Final = 64
"""Vectors are kept for so many faces."""


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    session: Session
    stored: StoredModel


class Identities:
    """Makes identity vectors; keeps the networks that it has loaded and the vectors that it has made."""

    def __init__(self, models: Models, opened: OpenModel) -> None:
        """Take where networks are found, and how one is loaded."""
        self._models, self._open = models, opened
        self._networks: dict[str, _Opened] = {}
        self._loading = threading.Lock()
        self._running = threading.Lock()
        """A network runs for one thread at a time, and its answer lies in memory that the next run writes over.

        Frames, looks at people and a change of the swapped face come from threads of their own.
        """
        self._vectors: dict[bytes, VectorF32] = {}

    def vector(self, views: Sequence[FaceView], spec: IdentitySpec, swapper: StoredModel) -> VectorF32:
        """Give what a swapper takes for a face that is seen in one or several pictures, (1, n).

        Args:
            views: of one person; several are averaged.
            spec: the swapper's.
            swapper: its file, which may hold the identity map.

        Raises:
            ModelError: a network that it needs is missing or does not run.
        """
        if spec.network is None:
            raise ModelError(f"{swapper.manifest.name!r} takes an identity vector, but its manifest names no network.")
        vector = self.embedding(views, spec.network, seen=spec.seen)
        if spec.converter is not None:
            vector = self._converted(unit(vector), spec.converter)
        if spec.map != "none":
            vector = (unit(vector)[:, None] * self._map(swapper, spec)).sum(axis=0)
        return (unit(vector) if spec.is_unit else vector)[None].astype(np.float32)

    def embedding(self, views: Sequence[FaceView], network: str, *, seen: CutSpec | None = None) -> VectorF32:
        """Give the mean vector (n,) of a face by one network: the direction is the views' mean, so is the length.

        Args:
            views: of one person.
            network: its name.
            seen: how it shall see the face, where that is not its own way.

        Raises:
            ModelError: the network is missing, of another kind, or does not run.
        """
        opened = self._network(network)
        spec = opened.stored.manifest.network
        if not isinstance(spec, EmbedSpec):
            raise ModelError(f"{network!r} is a {spec.kind}, where an identity network is needed.")
        with self._running:
            vectors = [self._vector(view, opened, as_seen(spec, seen)) for view in views]
        length = float(np.mean([np.linalg.norm(vector) for vector in vectors]))
        mean = np.stack([unit(vector) for vector in vectors]).mean(axis=0)
        return unit(as_f32(mean)) * np.float32(length)

    def _vector(self, view: FaceView, opened: _Opened, spec: EmbedSpec) -> VectorF32:
        aligned = AlignedInput(spec.picture)
        crop_bgr, _ = aligned.crop_of(view.photo_bgr, view.face)
        key = hashlib.sha256(crop_bgr.tobytes() + opened.stored.manifest.sha256.encode()).digest()
        kept = self._vectors.get(key)
        if kept is None:
            answer = opened.session.run({spec.input: aligned.numbers(crop_bgr)})[spec.output]
            kept = np.array(answer, np.float32).reshape(-1)
            if kept.size != spec.length or not np.isfinite(kept).all() or not kept.any():
                raise ModelError(f"{opened.stored.manifest.name!r} gives no identity vector; add it again.")
            if len(self._vectors) >= _KEPT:
                self._vectors.pop(next(iter(self._vectors)))
            self._vectors[key] = kept
        return kept

    def _converted(self, vector: VectorF32, converter: str) -> VectorF32:
        opened = self._network(converter)
        spec = opened.stored.manifest.network
        if not isinstance(spec, ConvertSpec):
            raise ModelError(f"{converter!r} is a {spec.kind}, where a converter of identity vectors is needed.")
        with self._running:
            answer = opened.session.run({spec.input: vector[None]})[spec.output]
            return np.array(answer, np.float32).reshape(-1)

    def _map(self, swapper: StoredModel, spec: IdentitySpec) -> VectorF32:
        return swapper.side_map() if spec.map == "file" else graph_map(swapper.weights(), swapper.manifest.name)

    def _network(self, name: str) -> _Opened:
        opened = self._networks.get(name)
        if opened is not None:
            return opened
        with self._loading:
            if name not in self._networks:
                stored = self._models.find(name)
                self._networks[name] = _Opened(self._open(stored), stored)
            return self._networks[name]


def graph_map(content: bytes, name: str, length: int = 512) -> VectorF32:
    """Find the identity map (length, length) among a file's constants, wherever it stands.

    Raises:
        ModelError: there is none that no node takes, or several and not one of them is called 'emap'.
    """
    found = read_graph(content, name).unused(length, length)
    if len(found) > 1:
        found = tuple(constant for constant in found if "emap" in constant.name.lower())
    if len(found) != 1:
        raise ModelError(
            f"{name!r} should hold one identity map of {length} x {length}, but holds {len(found)}. "
            "Add it again with --map emap.npy."
        )
    return found[0].read()


def as_seen(spec: EmbedSpec, seen: CutSpec | None) -> EmbedSpec:
    """Let an identity network see the face as a swapper was trained with it; None changes nothing."""
    if seen is None:
        return spec
    cut = replace(
        spec.picture,
        template=seen.template,
        cut_px=seen.cut_px,
        resize=seen.resize,
        border=seen.border,
        fit="similarity",
    )
    return replace(spec, picture=cut)
