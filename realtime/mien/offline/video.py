"""The way of a video: read, swap, encode, and everything that is no picture carried along."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import av

from mien.contracts import Stage
from mien.offline.companions import Companions
from mien.offline.encoding import VideoWriter
from mien.offline.gif import GifWriter, gif_options
from mien.offline.reading import VideoReader, first_frame, open_video
from mien.offline.result import Progress, Tally
from mien.offline.signing import Signing
from mien.offline.sound_changes import changing_sound
from mien.packet import FramePacket
from mien.recording.containers import Container, container_of
from mien.recording.partial import whole_or_nothing


def swap_video(
    input_path: Path, output_path: Path, stages: Sequence[Stage], tally: Tally, progress: Progress, *, signing: Signing
) -> None:
    """Swap every frame of a video; see `swap_file` for what holds."""
    container = container_of(output_path)
    with whole_or_nothing(output_path) as part:
        _write(input_path, part, stages, tally, progress, container=container)
        if tally.swapped:
            signing.sign(part)


def _swapped(
    frames: Iterator[tuple[FramePacket, av.VideoFrame]], stages: Sequence[Stage], tally: Tally
) -> Iterator[tuple[FramePacket, av.VideoFrame]]:
    """Send every frame through the stages, which may give it late; decoded frames wait for their packets."""
    waiting: deque[av.VideoFrame] = deque()
    for packet, frame in frames:
        waiting.append(frame)
        for done in tally.run(packet, stages):
            yield done, waiting.popleft()
    for done in tally.run_rest(stages):
        yield done, waiting.popleft()


def _write(
    input_path: Path, part: Path, stages: Sequence[Stage], tally: Tally, progress: Progress, *, container: Container
) -> None:
    first = first_frame(input_path)
    with ExitStack() as stack:
        source, stream = open_video(input_path, stack)
        reader = VideoReader(input_path, source, stream, tally)
        options = gif_options(input_path) if container.muxer == "gif" else {}
        target = stack.enter_context(av.open(str(part), "w", format=container.muxer, options=options))
        writer = (GifWriter if container.muxer == "gif" else VideoWriter)(target, container, stream, first, tally)
        companions = Companions(source, target, container, stream, tally, changing=changing_sound(input_path))
        for done, frame in _swapped(reader.frames(companions), stages, tally):
            with tally.stage("encode").measure():
                writer.write(frame, done)
            tally.count_written(done)
            progress(tally.written.count, reader.estimated_frames)
        companions.finish()
        writer.finish()
        reader.judge()
