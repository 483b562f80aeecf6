"""`mien bench stages`: what one frame costs, beside what its two networks cost, in the same run on one thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import monotonic_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.diagnostics.bench.insightface_reference import PasteComparison, compare_paste
from mien.diagnostics.bench.scene import make_scene
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.stage_threads import Unused
from mien.session.loaded import load
from mien.session.options import Options, usual_options
from mien.session.source_faces import SourceFaces
from mien.session.stages import Making, stages_of
from mien.session.swappers import SWAPPERS, check_swapper, library, user_networks
from mien.stages.marks import Marks
from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo
from mien_models.architectures._trial import known_input
from mien_models.interfaces import Session
from mien_models.library.builtin import open_session, read_manifest
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks

_NETWORKS: Final = ("blazeface_short_range", "facemesh_468")
_WARM_UP: Final = 20
_FRAME_NS: Final = 33_333_333
_LONGEST_S: Final = 60.0
"""A heavy network takes seconds a frame on a processor: no new round is begun after this."""


@dataclass(frozen=True, slots=True)
class StagesResult:
    """Medians in milliseconds."""

    frame_ms: float
    """The whole work of a frame: every stage in order."""
    networks_ms: float
    """Both networks that find faces, run once each on their own input and nothing else."""
    ratio: float
    """`frame_ms / networks_ms`, the medians of one run."""
    compose_ms: float
    swapper: str
    swapper_network_ms: float
    """The swapper's network run alone; 0 for one that has none."""
    beside_ms: float
    """What is no network: `frame_ms - networks_ms - swapper_network_ms`, the median of the rounds."""
    stages: dict[str, float]
    paste: PasteComparison | None
    """None where insightface is not installed."""


def bench_stages(swapper: str = "mesh", frames: int = 300) -> StagesResult:
    """Measure 720p with one face of 380 px, on one thread.

    Every round runs the stages on a frame and then each network alone, so that all meet the same weather.

    Raises:
        MienError: a network or the portrait is missing.
    """
    options = usual_options(swapper=swapper, swapper_threads=1)
    check_swapper(swapper)
    scene, user = make_scene(), user_networks(options.swapper)
    stages = scene_stages(options, user)
    finders = _Alone([(open_session(read_manifest(name)), None) for name in _NETWORKS])
    own = _Alone([] if swapper in SWAPPERS.names() else [_opened(user, library().find(swapper))])
    rounds: list[_Round] = []
    frame = Frame(scene.frames[0], 0, 0)
    began_ns = monotonic_ns()
    while len(rounds) < frames + _WARM_UP and (monotonic_ns() - began_ns < _LONGEST_S * 1e9 or len(rounds) < 2):
        frame = Frame(scene.frames[len(rounds) % len(scene.frames)], len(rounds), len(rounds) * _FRAME_NS)
        frame, measured = _round(stages, frame, finders, own)
        rounds.append(measured)
    paste = compare_paste(frame.image, frame.chosen[0]) if frame.chosen else None
    return _result(swapper, stages, rounds[min(_WARM_UP, len(rounds) // 2) :], paste)


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """One frame."""

    stages_ms: tuple[float, ...]
    finders_ms: float
    own_ms: float


class _Alone:
    """Networks that are run on their own, on an input that is made once."""

    def __init__(self, networks: Sequence[tuple[Session, Mapping[str, NDArray[Any]] | None]]) -> None:
        self._networks = [(session, feed or _feed(session)) for session, feed in networks]

    def run_ms(self) -> float:
        started_ns = monotonic_ns()
        for session, feed in self._networks:
            session.run(feed)
        return (monotonic_ns() - started_ns) / 1e6


def _opened(user: Networks, stored: StoredModel) -> tuple[Session, Mapping[str, NDArray[Any]]]:
    return user.session(stored), known_input(stored.manifest.network)


def _round(stages: Sequence[Stage], frame: Frame, finders: _Alone, own: _Alone) -> tuple[Frame, _Round]:
    spent: list[float] = []
    for stage in stages:
        started_ns = monotonic_ns()
        frame = stage(frame)
        spent.append((monotonic_ns() - started_ns) / 1e6)
    return frame, _Round(tuple(spent), finders.run_ms(), own.run_ms())


def _result(
    swapper: str, stages: Sequence[Stage], rounds: Sequence[_Round], paste: PasteComparison | None
) -> StagesResult:
    by_stage = zip(*(one.stages_ms for one in rounds), strict=True)
    medians = {stage.name: round(median(times), 3) for stage, times in zip(stages, by_stage, strict=True)}
    frame, networks = (median(sum(one.stages_ms) for one in rounds), median(one.finders_ms for one in rounds))
    return StagesResult(
        frame_ms=round(frame, 3),
        networks_ms=round(networks, 3),
        ratio=round(frame / networks, 3),
        compose_ms=medians["composite"],
        swapper=swapper,
        swapper_network_ms=round(median(one.own_ms for one in rounds), 3),
        beside_ms=round(median(sum(one.stages_ms) - one.finders_ms - one.own_ms for one in rounds), 3),
        stages=medians,
        paste=paste,
    )


def scene_stages(options: Options, user: Networks | None = None) -> tuple[Stage, ...]:
    """Make the stages as `mien run` has them, the marks included, for the face that the scene shows."""
    photo = read_source_photo(photo_address(str(public_domain_photo())))
    nobody_asked = SourceFaces(((photo,),), (), (), ("photo",), (), None)
    loaded = load(options, nobody_asked)
    making = Making(loaded if user is None else replace(loaded, networks=user), Marks(), "synthetic")
    return tuple(stage for stage in stages_of(making) if not isinstance(stage, Unused))


def _feed(session: Session) -> dict[str, NDArray[np.float32]]:
    """Something of the right shape: what a network costs does not depend on what it sees."""
    random = np.random.default_rng(0)
    return {name: random.random(shape, np.float32) for name, shape in session.input_shapes.items()}
