"""`mien bench stages`: what one frame costs, beside what its two networks cost, in the same run on one thread."""

import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from time import monotonic_ns
from types import SimpleNamespace
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.diagnostics.bench.encode import EncodeCosts, encode_costs
from mien.diagnostics.bench.scene import make_scene
from mien.pipeline.frame import Frame, OutputFormat
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.stage_threads import Unused
from mien.session.loaded import load
from mien.session.options import Options, usual_options
from mien.session.source_faces import SourceFaces
from mien.session.stages import Making, stages_of
from mien.session.swappers import SWAPPERS, check_swapper, library, user_networks
from mien.stages.composite import CompositeStage
from mien.stages.marks import Marks
from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo
from mien_models.architectures._trial import known_input
from mien_models.interfaces import Session
from mien_models.library.builtin import open_session, read_manifest
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks
from mien_models.types import AffineF64, BgrU8, Face, SwappedFace, as_u8

_CROP_PX: Final = 128
_ROUNDS: Final = 40
_EMBEDDING: Final = 512
_NETWORKS: Final = ("blazeface_short_range", "facemesh_468")
_WARM_UP: Final = 20
_FPS: Final = 30
_FRAME_NS: Final = 1_000_000_000 // _FPS
_LONGEST_S: Final = 60.0
"""A heavy network takes seconds a frame on a processor: no new round is begun after this."""


@dataclass(frozen=True, slots=True)
class PasteComparison:
    """Medians in milliseconds of one run, taken in turns."""

    ours_ms: float
    """`CompositeStage` with the crop, its alpha and its matrix."""
    insightface_ms: float
    """All of `INSwapper.get(..., paste_back=True)` but its network."""
    times_as_fast: float
    insightface_paste_ms: float
    """Of that, what `paste_back=True` adds to `paste_back=False`: without alignment and blob."""
    paste_times_as_fast: float


def compare_paste(frame_bgr: BgrU8, face: Face) -> PasteComparison | None:
    """Measure both on one frame; None where insightface is not installed."""
    if importlib.util.find_spec("insightface") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image deprecates
        return _compared(frame_bgr, face)


def _compared(frame_bgr: BgrU8, face: Face) -> PasteComparison:
    swapper, target, source = _insightface(face)
    crop_bgr, crop_from_frame = cast(
        "tuple[BgrU8, AffineF64]", swapper.get(frame_bgr, target, source, paste_back=False)
    )
    frame = Frame(frame_bgr, 0, 0, swapped=(_swapped(face, as_u8(np.ascontiguousarray(crop_bgr)), crop_from_frame),))
    compose = CompositeStage()
    works: tuple[Callable[[], object], ...] = (
        lambda: compose(frame),
        lambda: swapper.get(frame_bgr, target, source, paste_back=True),
        lambda: swapper.get(frame_bgr, target, source, paste_back=False),
    )
    rounds_ns = [[_second_call_ns(work) for work in works] for _ in range(_ROUNDS)]
    ours_ms, whole_ms, aligned_ms = (
        median(times_ns[_ROUNDS // 4 :]) / 1e6 for times_ns in zip(*rounds_ns, strict=True)
    )
    return PasteComparison(
        ours_ms=round(ours_ms, 3),
        insightface_ms=round(whole_ms, 3),
        times_as_fast=round(whole_ms / ours_ms, 1),
        insightface_paste_ms=round(whole_ms - aligned_ms, 3),
        paste_times_as_fast=round((whole_ms - aligned_ms) / ours_ms, 1),
    )


def _second_call_ns(work: Callable[[], object]) -> int:
    """Time the second of two calls: neither side pays for what the other left in the caches."""
    work()
    started_ns = monotonic_ns()
    work()
    return monotonic_ns() - started_ns


def _insightface(face: Face) -> tuple[Any, Any, Any]:
    """Give its swapper with a recorded answer, the target face and a source face, as it knows them."""
    from insightface.model_zoo.inswapper import INSwapper

    answer = _recorded_answer()
    swapper = cast("Any", INSwapper.__new__(INSwapper))  # its __init__ reads the weights

    def run(outputs: object, inputs: object) -> list[NDArray[np.float32]]:
        _ = outputs, inputs
        return [answer]

    swapper.session = SimpleNamespace(run=run)
    swapper.input_mean, swapper.input_std = 0.0, 255.0
    swapper.emap = np.eye(_EMBEDDING, dtype=np.float32)
    swapper.input_names, swapper.output_names = ["target", "source"], ["output"]
    swapper.input_size = (_CROP_PX, _CROP_PX)
    embedding = np.full(_EMBEDDING, _EMBEDDING**-0.5, np.float32)
    return swapper, SimpleNamespace(kps=face.five_points), SimpleNamespace(normed_embedding=embedding)


def _recorded_answer() -> NDArray[np.float32]:
    """A face-like picture as the network gives it: (1, 3, 128, 128) RGB, 0..1."""
    rows, columns = np.mgrid[0:_CROP_PX, 0:_CROP_PX].astype(np.float32) / _CROP_PX
    light = 0.35 + 0.3 * np.exp(-8 * ((columns - 0.5) ** 2 + (rows - 0.5) ** 2))
    return np.stack([light * 1.2, light, light * 0.9])[None].astype(np.float32)


def _swapped(face: Face, crop_bgr: BgrU8, crop_from_frame: AffineF64) -> SwappedFace:
    """The same crop at the same place, with a soft ellipse as its alpha."""
    alpha = np.zeros((_CROP_PX, _CROP_PX), np.uint8)
    centre = _CROP_PX // 2
    cv2.ellipse(alpha, (centre, centre), (_CROP_PX * 3 // 8, _CROP_PX * 7 // 16), 0, 0, 360, 255, -1)
    soft = as_u8(cv2.GaussianBlur(alpha, (0, 0), _CROP_PX / 20))
    return SwappedFace(face.id, crop_bgr, soft, np.asarray(cv2.invertAffineTransform(crop_from_frame), np.float64))


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
    encode: EncodeCosts
    """What a recording and a stream add, in threads of their own."""


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
    height, width = frame.image.shape[:2]
    encode = encode_costs(scene.frames, OutputFormat(width, height, Fraction(_FPS)))
    return _result(swapper, stages, rounds[min(_WARM_UP, len(rounds) // 2) :], paste, encode)


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
    swapper: str,
    stages: Sequence[Stage],
    rounds: Sequence[_Round],
    paste: PasteComparison | None,
    encode: EncodeCosts,
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
        encode=encode,
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
