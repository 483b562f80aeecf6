"""What swaps for other machines: everything that is loaded, once for all of their sessions."""

import dataclasses
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mien.config.choices import GateMode, LandmarksMode
from mien.config.settings import Edges
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.stage_threads import Unused
from mien.remote.protocol import FaceTerms, Wishes
from mien.remote.swapping import PreparedSwap
from mien.session.loaded import Loaded
from mien.session.options import Options, usual_options
from mien.session.source_faces import SourceFaces
from mien.session.stages import Making, Wrapped, check_names, stages_of
from mien.session.swappers import SWAPPERS, library, user_networks
from mien.stages.marks import Marks
from mien.stages.swap import SwapStage
from mien.tracking.landmark_fit import FaceNetworks, default_networks
from mien.tracking.photo import PhotoAddress, SourcePhoto, source_face_from
from mien.tracking.tracker import Tracker
from mien_models.errors import ModelError
from mien_models.interfaces import Detector, FaceRegion, Landmarker
from mien_models.specs.network import SwapSpec
from mien_models.swappers._loader import Networks
from mien_models.system.freed_memory import keep_freed_memory, keep_what_is_loaded
from mien_models.types import BgrU8, DetectedFace, PointsF32

_ADDRESS: Final = "remote"
_PHOTO: Final = Path("photo")
"""What the log calls the photos of others: their names do not travel."""
_NOT_HERE: Final = frozenset({"consent_check", "content_gate", "remote", "owner_check", "marks"})
"""What the machine with the camera does itself."""


class SwapEngine:
    """An `Engine`. Has state: the networks, each loaded once. Any thread may call it."""

    def __init__(self, *, provider: str = "auto", threads: int = 1) -> None:
        """Take where networks run, and how many threads each may use; nothing is loaded yet."""
        self._base = usual_options(provider=provider, threads=threads)
        self._networks: Networks = user_networks(self._base.swapper)
        self._faces: dict[LandmarksMode, FaceNetworks] = {}
        self._lock = threading.Lock()
        self._swapping = threading.Lock()

    def warm_up(self) -> None:
        """Load what every session needs.

        Raises:
            ModelError: a network that comes with Mien is missing or damaged.
        """
        import cv2

        cv2.setNumThreads(self._base.threads)
        keep_freed_memory()
        self._face_networks(LandmarksMode.QUICK)
        keep_what_is_loaded()

    def prepare(self, wishes: Wishes, terms: FaceTerms, photos_bgr: tuple[BgrU8, ...]) -> PreparedSwap:
        """Make what swaps one session's pictures.

        Raises:
            MienError: a name that no plug-in has here, a photo without a face, a network that does not run.
        """
        options = self._options(wishes)
        check_names(options)
        self._check_takes_photos(options)
        photos = tuple(SourcePhoto(PhotoAddress(_PHOTO), photo_bgr) for photo_bgr in photos_bgr)
        faces = SourceFaces((photos,), (), (terms.consent.value,), (_PHOTO.name,), (), None)
        face_networks = self._face_networks(wishes.landmarks)
        source = source_face_from(photos)
        loaded = Loaded(options, faces, (source,), face_networks, Tracker(face_networks), self._networks)
        stages = [stage for stage in stages_of(Making(loaded, Marks(), _ADDRESS)) if _is_done_here(stage)]
        if options.swapper.name not in SWAPPERS.names():
            # All sessions have its network together, and that is for one thread at a time.
            stages = [
                _one_at_a_time(stage, self._swapping) if stage.name == SwapStage.name else stage for stage in stages
            ]
        return PreparedSwap(tuple(stages), dict(loaded.providers))

    def _options(self, wishes: Wishes) -> Options:
        """Give the options that a client's wishes come to; every one of them was checked as it came."""
        values = wishes.model_dump(exclude={"erode", "feather", "assign"})
        edge = Edges(erode=wishes.erode, feather=wishes.feather)
        options = usual_options(
            **values, assign=wishes.assign.value, edge=edge, content_gate=GateMode.OFF, threads=self._base.threads
        )
        return dataclasses.replace(
            options, swapper=dataclasses.replace(options.swapper, provider=self._base.swapper.provider)
        )

    def _check_takes_photos(self, options: Options) -> None:
        """Refuse a swapper with a face of its own inside: nobody has said here whose it is.

        Raises:
            ModelError: it is one.
        """
        if options.swapper.name in SWAPPERS.names():
            return
        spec = library().find(options.swapper.name).manifest.network
        if isinstance(spec, SwapSpec) and spec.identity.form == "none":
            raise ModelError(
                f"The face is inside the swapper {options.swapper.name!r}, and only this machine's owner can say whose "
                "it is; take one that is given a photo."
            )

    def _face_networks(self, mode: LandmarksMode) -> FaceNetworks:
        with self._lock:
            if mode not in self._faces:
                made = default_networks(threads=self._base.threads, landmarks=mode)
                lock = threading.Lock()
                self._faces[mode] = FaceNetworks(
                    _SharedDetector(made.detector, lock), _SharedLandmarker(made.landmarker, lock)
                )
            return self._faces[mode]


def _is_done_here(stage: Stage) -> bool:
    return stage.name not in _NOT_HERE and not isinstance(stage, Unused)


def _one_at_a_time(stage: Stage, lock: threading.Lock) -> Stage:
    def step(frame: Frame) -> Frame:
        with lock:
            return stage(frame)

    return Wrapped(stage, step)


class _SharedDetector:
    """A detector for several threads: it keeps buffers, so one at a time looks."""

    def __init__(self, detector: Detector, lock: threading.Lock) -> None:
        self._detector, self._lock = detector, lock
        self.providers = detector.providers

    def detect(
        self, image_bgr: BgrU8, *, min_score: float = 0.5, region: FaceRegion | None = None
    ) -> Sequence[DetectedFace]:
        """As the one inside."""
        with self._lock:
            return self._detector.detect(image_bgr, min_score=min_score, region=region)


class _SharedLandmarker:
    """A landmarker for several threads: it keeps buffers, so one at a time looks."""

    def __init__(self, landmarker: Landmarker, lock: threading.Lock) -> None:
        self._landmarker, self._lock = landmarker, lock
        self.providers = landmarker.providers

    def landmarks(self, image_bgr: BgrU8, region: FaceRegion) -> tuple[PointsF32, float]:
        """As the one inside; what it gives is the caller's own."""
        with self._lock:
            points, score = self._landmarker.landmarks(image_bgr, region)
            return np.array(points), score
