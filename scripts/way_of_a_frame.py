"""Follow one frame from the first stage to the sink: `uv run python scripts/way_of_a_frame.py` counts files and moves.

Prints how many files of Mien take part, how often the way moves from one file to another, and how many calls that are;
with `--files` each file with its calls, in the order in which the frame first comes there. Twenty frames go before, so
that nothing is counted that is done once.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Any

from mien.diagnostics.bench.scene import make_scene
from mien.diagnostics.bench.stages import scene_stages
from mien.pipeline.frame import Frame, Outgoing, OutputFormat
from mien.pipeline.interfaces import MarkingStage
from mien.pipeline.live.output import Output
from mien.pipeline.live.sink_workers import SinkWorkers
from mien.pipeline.live.state import Policy
from mien.session.options import usual_options
from mien.sinks.registry import make_sink

_ROOT = Path(__file__).resolve().parent.parent
_ROOTS = tuple(str(_ROOT / name) for name in ("realtime/mien", "models/mien_models"))
_WARM_UP = 20
_FRAME_NS = 33_333_333
"""Frames come thirty times a second, however slow the machine: what is done now and then is done in the same ones."""


def way() -> list[str]:
    """Give the file of every call that one frame causes, in order."""
    scene = make_scene()
    *stages, marks = scene_stages(usual_options())
    if not isinstance(marks, MarkingStage):
        raise TypeError("the last stage should be the one that marks")
    output_format = OutputFormat(scene.frames[0].shape[1], scene.frames[0].shape[0], Fraction(30))
    workers = SinkWorkers((make_sink("null", output_format),), lambda _fact: None, lambda _key: None)
    with workers.best.sink as sink:

        def send(outgoing: Outgoing) -> None:
            sink.write(outgoing.frame)

        output = Output(output_format, Policy(), marks.release, send, lambda _verdict: None)
        output.begin()
        called: list[str] = []
        began_ns = time.monotonic_ns()

        def note(frame: FrameType, event: str, _argument: Any) -> None:  # noqa: ANN401 - Python's own interface
            if event == "call" and frame.f_code.co_filename.startswith(_ROOTS):
                called.append(str(Path(frame.f_code.co_filename).relative_to(_ROOT)))

        for index in range(_WARM_UP + 1):
            captured = Frame(scene.frames[index % len(scene.frames)], index, began_ns + index * _FRAME_NS)
            sys.setprofile(note if index == _WARM_UP else None)
            for stage in stages:
                captured = stage(captured)
            output.deliver(captured, None)
        sys.setprofile(None)
    return called


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true", help="list every file with its calls")
    wants_files = parser.parse_args().files
    called = way()
    moves = sum(one != other for one, other in itertools.pairwise(called))
    if wants_files:
        for path, count in Counter(called).items():
            print(f"{count:5} {path}")
    print(f"{len(set(called))} files, {moves} moves between files, {len(called)} calls")


if __name__ == "__main__":
    main()
