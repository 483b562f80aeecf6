"""The user's networks, loaded where they run best, tried before they are used, and kept for when a face is changed."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import as_f32
from mien_models.contracts import Session
from mien_models.engines.building import build_aside
from mien_models.engines.plan import Run, planned_runs
from mien_models.engines.proof import picture_fault
from mien_models.engines.replaceable import ReplaceableSession
from mien_models.engines.serving import Trial, serve
from mien_models.engines.store import EngineKey, cached, engine_folder, engine_key, mark_built, must_be_built
from mien_models.errors import ModelError
from mien_models.faces import SourceFace
from mien_models.identity import Identities, unit
from mien_models.network_swapper import NetworkSwapper, OpenedSwapper
from mien_models.options import SwapOptions
from mien_models.ort import onnxruntime
from mien_models.spec import ConvertSpec, EmbedSpec, NetworkSpec, PictureSpec, SwapSpec, UserManifest
from mien_models.stored import Models, StoredModel


class Networks:
    """Loads networks by name; one object for a session of the program, so that nothing is loaded twice."""

    def __init__(
        self, models: Models, *, preferred: str = "auto", threads: int = 1, caches: Path | None = None
    ) -> None:
        """Take where networks are found and how they shall run.

        Args:
            models: the user's folder.
            preferred: a key of `mien_models.engines.plan.PROVIDERS`, or 'auto'.
            threads: of the processor, for each network.
            caches: a folder for engines that are built; each network has one of its own in it.
        """
        self._models, self._preferred, self._threads, self._caches = models, preferred, threads, caches
        self._sessions: dict[str, ReplaceableSession] = {}
        self._running: dict[str, str] = {}
        self.identities = Identities(models, self.session)
        """Makes the vectors that swappers take."""

    @property
    def providers(self) -> Mapping[str, str]:
        """What each network that was loaded really runs on, by its name; it grows as more are loaded."""
        return MappingProxyType(self._running)

    def swapper(self, name: str, source: SourceFace, options: SwapOptions) -> NetworkSwapper:
        """Load a swapper and give it its source face.

        Raises:
            ModelError: no model has that name, it is no swapper, or one that it needs is missing or does not run.
        """
        stored = self._models.find(name)
        spec = stored.manifest.network
        if not isinstance(spec, SwapSpec):
            raise ModelError(
                f"{name!r} is of the kind {spec.kind!r}, where a swapper is needed; 'mien models list' names them."
            )
        opened = OpenedSwapper(stored, spec, self.session(stored))
        return NetworkSwapper(opened, source, self.identities, options)

    def session(self, stored: StoredModel) -> Session:
        """Load a network, or give the one that is loaded.

        Raises:
            ModelError: it runs on no provider.
        """
        name = stored.manifest.name
        if name not in self._sessions:
            self._sessions[name] = self._load(stored)
        return self._sessions[name]

    def _load(self, stored: StoredModel) -> ReplaceableSession:
        """Load it on the fastest provider that needs no engine built first, and have that built beside."""
        manifest = stored.manifest
        trial = trial_of(manifest.network, stored.weights(), manifest.name, self._threads)
        runs = [self._kept(run, manifest) for run in planned_runs(self._preferred, self._available())]
        ready = [run for run, folder in runs if folder is None or not must_be_built(run, folder)]
        served = serve(trial, ready)
        self._running[manifest.name] = served.run.provider
        session = ReplaceableSession(served.session)
        first, folder = runs[0]
        if first not in ready and folder is not None:
            key = _key_of(first, manifest)
            folder.mkdir(parents=True, exist_ok=True)

            def upgrade() -> None:
                mark_built(folder, key)
                better = serve(trial, [first])
                session.replace(better.session)
                self._running[manifest.name] = better.run.provider

            build_aside(stored.folder, manifest.name, first, self._threads, upgrade)
        return session

    def _kept(self, run: Run, manifest: UserManifest) -> tuple[Run, Path | None]:
        """Let a run keep what it builds, where there is a place for that."""
        if self._caches is None:
            return run, None
        folder = engine_folder(self._caches, _key_of(run, manifest))
        return cached(run, folder), folder

    def _available(self) -> list[str]:
        return cast("list[str]", cast("Any", onnxruntime).get_available_providers())


def _key_of(run: Run, manifest: UserManifest) -> EngineKey:
    shapes = {name: array.shape for name, array in known_input(manifest.network).items()}
    return engine_key(manifest.sha256, run, str(sorted(shapes.items())))


def trial_of(spec: NetworkSpec, content: bytes, name: str, threads: int) -> Trial:
    """Make the self-test of a network: an input that is known, and what its answer must be like."""
    return Trial(content, name, known_input(spec), lambda answers: _fault(spec, answers), threads)


def known_input(spec: NetworkSpec) -> dict[str, NDArray[Any]]:
    """Make an input of the right shape that looks a little like skin, the same every time."""
    random = np.random.default_rng(0)
    if isinstance(spec, ConvertSpec):
        return {spec.input: _unit(random, spec.length)}
    if isinstance(spec, EmbedSpec):
        return {spec.input: _known_picture(spec.picture)}
    known: dict[str, NDArray[Any]] = {spec.names.target: _known_picture(spec.crop)}
    if spec.names.source is not None:
        picture = spec.identity.picture
        known[spec.names.source] = _unit(random, spec.identity.length) if picture is None else _known_picture(picture)
    if spec.names.morph is not None:
        known[spec.names.morph] = np.array([0.5], np.float32)
    return known


def _known_picture(spec: PictureSpec) -> NDArray[np.float32]:
    """Draw soft waves of skin's colours, in the network's numbers: (1, 3, n, n) or (1, n, n, 3)."""
    wave = np.sin(np.arange(spec.size_px) / spec.size_px * 9)
    shade = (wave[:, None] * wave)[..., None]
    pixels = np.array([190.0, 140.0, 115.0])[:: 1 if spec.colour == "rgb" else -1] + 50 * shade
    numbers = as_f32(pixels * np.array(spec.scale) + np.array(spec.offset))
    return (numbers.transpose(2, 0, 1) if spec.layout == "nchw" else numbers)[None]


def _unit(random: np.random.Generator, length: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = unit(as_f32(random.standard_normal(length)))[None]
    return vector


def _fault(spec: NetworkSpec, answers: Mapping[str, NDArray[Any]]) -> str | None:
    if isinstance(spec, SwapSpec):
        black, white = ((level - spec.output.offset) / spec.output.scale for level in (0, 255))
        return picture_fault(answers[spec.names.output], lowest=black, highest=white)
    vector = answers[spec.output]
    if not np.isfinite(vector).all():
        return "its vector has values that are no numbers"
    if vector.size != spec.length:
        return f"its vector has {vector.size} numbers instead of {spec.length}"
    return None if float(np.std(vector)) > 0 else "all numbers of its vector are the same"
