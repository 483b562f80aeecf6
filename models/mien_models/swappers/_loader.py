"""The user's networks, loaded where they run best, tried before they are used, and kept for when a face is changed."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mien_models.architectures._trial import known_input, trial_of
from mien_models.errors import ModelError
from mien_models.interfaces import Session
from mien_models.library.engine_build import build_aside
from mien_models.networks.embedding import Identities
from mien_models.runtimes.ort.available import available, idle_card
from mien_models.runtimes.ort.card import card
from mien_models.runtimes.ort.engine_cache import (
    EngineKey,
    cached,
    engine_folder,
    engine_key,
    mark_built,
    must_be_built,
)
from mien_models.runtimes.ort.hot_swap import ReplaceableSession
from mien_models.runtimes.ort.providers import Run, planned_runs
from mien_models.runtimes.ort.select import serve
from mien_models.specs.network import SwapSpec, UserManifest
from mien_models.specs.stored import Models, StoredModel
from mien_models.swappers._network import NetworkSwapper, OpenedSwapper
from mien_models.types import SourceFace, SwapOptions

_LOG = logging.getLogger(__name__)


class Networks:
    """Loads networks by name; one object for a session of the program, so that nothing is loaded twice.

    Any thread may load. A session runs for one thread at a time: a swapper's for the thread that swaps, those of
    identities under their own lock.
    """

    def __init__(
        self, models: Models, *, preferred: str = "auto", threads: int = 1, caches: Path | None = None
    ) -> None:
        """Take where networks are found and how they shall run.

        Args:
            models: the user's folder.
            preferred: a key of `mien_models.runtimes.ort.providers.PROVIDERS`, or 'auto'.
            threads: of the processor, for each network.
            caches: a folder for engines that are built; each network has one of its own in it.
        """
        self._models, self._preferred, self._threads, self._caches = models, preferred, threads, caches
        self._sessions: dict[str, ReplaceableSession] = {}
        self._running: dict[str, str] = {}
        self._has_said_idle = False
        self._loading = threading.Lock()
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
        session = self._sessions.get(name)
        if session is not None:
            return session
        with self._loading:
            if name not in self._sessions:
                self._sessions[name] = self._load(stored)
            return self._sessions[name]

    def _load(self, stored: StoredModel) -> ReplaceableSession:
        """Load it on the fastest provider that needs no engine built first, and have that built beside."""
        manifest = stored.manifest
        trial = trial_of(manifest.network, stored.weights(), manifest.name, self._threads)
        self._say_idle()
        runs = [self._kept(run, manifest) for run in planned_runs(self._preferred, available().ready)]
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

    def _say_idle(self) -> None:
        """Say once that a card is left idle that nobody told us to leave idle."""
        if self._preferred != "auto" or self._has_said_idle:
            return
        self._has_said_idle = True
        sentence = idle_card(available(), card())
        if sentence is not None:
            _LOG.warning("%s", sentence)


def _key_of(run: Run, manifest: UserManifest) -> EngineKey:
    shapes = {name: array.shape for name, array in known_input(manifest.network).items()}
    return engine_key(manifest.sha256, run, str(sorted(shapes.items())))
