"""`mien bench live`: the live loop on the scene, as it is and with more work than there is time."""

from fractions import Fraction
from typing import Final

from mien.bench.live import LiveBench, StillSource, bench_live
from mien.bench.scene import HEIGHT, WIDTH, make_scene
from mien.bench.stages import scene_stages
from mien.contracts import OutputFormat
from mien.live.plan import Prepared

_OUTPUT: Final = OutputFormat(WIDTH, HEIGHT, Fraction(30))
_SLOW_STAGE_MS: Final = 75.0


def bench_loop(seconds: float) -> tuple[LiveBench, LiveBench]:
    """Run twice for `seconds`: with the usual stages, and with one of 75 ms more.

    Raises:
        MienError: a run could not begin or go on.
    """
    scene = make_scene()

    def run(slow_stage_ms: float | None) -> LiveBench:
        return bench_live(
            StillSource(scene.frames[0], _OUTPUT),
            lambda: Prepared(scene_stages(scene)),
            _OUTPUT,
            seconds=seconds,
            slow_stage_ms=slow_stage_ms,
        )

    return run(None), run(_SLOW_STAGE_MS)
