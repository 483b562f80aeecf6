"""`mien bench stages`: what one frame costs, beside what its two networks cost, in the same run on one thread."""

from dataclasses import dataclass
from statistics import median
from time import monotonic_ns
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.bench.reference import PasteComparison, compare_paste
from mien.bench.scene import Scene, make_scene
from mien.build import make_stages
from mien.contracts import Stage
from mien.follow.choose import StickyLargest
from mien.follow.follower import Follower
from mien.follow.networks import default_networks
from mien.memory import keep_freed_memory
from mien.packet import FramePacket
from mien.settings import Settings
from mien.stages.follow import FollowStage
from mien_models.catalog import open_session, read_manifest
from mien_models.contracts import Session

_NETWORKS: Final = ("blazeface_short_range", "facemesh_468")
_WARM_UP: Final = 20
_FRAME_NS: Final = 33_333_333


@dataclass(frozen=True, slots=True)
class StagesResult:
    """Medians in milliseconds."""

    frame_ms: float
    """The whole work of a frame: every stage in order."""
    networks_ms: float
    """Both networks, run once each on their own input and nothing else."""
    ratio: float
    """`frame_ms / networks_ms`, the medians of one run."""
    compose_ms: float
    stages: dict[str, float]
    paste: PasteComparison | None
    """None where insightface is not installed."""


def bench_stages(frames: int = 300) -> StagesResult:
    """Measure 720p with one face of 380 px, on one thread.

    Every round runs the stages on a frame and then each network alone, so that both meet the same weather.

    Raises:
        MienError: a network or the portrait is missing.
    """
    cv2.setNumThreads(1)
    keep_freed_memory()
    scene = make_scene()
    stages = scene_stages(scene)
    sessions = [open_session(read_manifest(name)) for name in _NETWORKS]
    feeds = [_feed(session) for session in sessions]
    times_ms: dict[str, list[float]] = {stage.name: [] for stage in stages}
    frame_ms: list[float] = []
    networks_ms: list[float] = []
    packet = FramePacket(scene.frames[0], 0, 0)
    for index in range(frames + _WARM_UP):
        packet = FramePacket(scene.frames[index % len(scene.frames)], index, index * _FRAME_NS)
        spent: list[float] = []
        for stage in stages:
            started_ns = monotonic_ns()
            packet = stage(packet)
            spent.append((monotonic_ns() - started_ns) / 1e6)
        started_ns = monotonic_ns()
        for session, feed in zip(sessions, feeds, strict=True):
            session.run(feed)
        networks_ms.append((monotonic_ns() - started_ns) / 1e6)
        frame_ms.append(sum(spent))
        for stage, stage_ms in zip(stages, spent, strict=True):
            times_ms[stage.name].append(stage_ms)
    medians = {name: round(median(values[_WARM_UP:]), 3) for name, values in times_ms.items()}
    frame, networks = median(frame_ms[_WARM_UP:]), median(networks_ms[_WARM_UP:])
    return StagesResult(
        frame_ms=round(frame, 3),
        networks_ms=round(networks, 3),
        ratio=round(frame / networks, 3),
        compose_ms=medians["compose"],
        stages=medians,
        paste=compare_paste(packet.image, packet.chosen[0]) if packet.chosen else None,
    )


def scene_stages(scene: Scene) -> tuple[Stage, ...]:
    """Make the stages as `mien run` has them by default, for the face that the scene lends."""
    finder = FollowStage(Follower(default_networks()), StickyLargest())
    return make_stages(Settings.model_construct(), finder, scene.source)


def _feed(session: Session) -> dict[str, NDArray[np.float32]]:
    """Something of the right shape: what a network costs does not depend on what it sees."""
    random = np.random.default_rng(0)
    return {name: random.random(shape, np.float32) for name, shape in session.input_shapes.items()}
