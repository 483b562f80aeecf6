"""The way of a video: read, swap, encode, and everything that is no picture carried along."""

import io
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from mien.media.formats import Container, container_of
from mien.media.video.film_file import ffmpeg_path
from mien.media.video.side_data import put_into_first_track, side_data_of, spherical_box
from mien.media.video.upright import has_transparency, stored_samples
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.offline.other_streams import OtherStreams, kept_tags
from mien.pipeline.offline.reader import VideoReader, first_frame, open_video
from mien.pipeline.offline.sound_plan import plan_sound
from mien.pipeline.offline.summary import Progress, Signing, Summary
from mien.pipeline.offline.writers import GifWriter, VideoWriter, WriterJob, gif_options
from mien.tracking.dissolves import Dissolves
from mien.tracking.scan import Glance
from mien_models.errors import SinkError
from mien_models.system.atomic_write import whole_name
from mien_models.system.one_writer import only_writer

_SEEN_PX: Final = (128, 72)
_AS_KEYS: Final = {"movflags": "use_metadata_tags"}
_OPAQUE: Final = 255


def swap_video(
    input_path: Path,
    output_path: Path,
    stages: Sequence[Stage],
    summary: Summary,
    progress: Progress,
    *,
    signing: Signing,
) -> None:
    """Swap every frame of a video; see `swap_file` for what holds."""
    container = container_of(output_path)
    with only_writer(output_path) as part:
        first = first_frame(input_path)
        _write(input_path, part, stages, summary, progress, container=container, first=first)
        _keep_all_around(first, part, summary, container)
        if summary.swapped:
            signing.sign(part)


def _swapped(
    frames: Iterator[tuple[Frame, av.VideoFrame]], stages: Sequence[Stage], summary: Summary
) -> Iterator[tuple[Frame, av.VideoFrame]]:
    """Send every frame through the stages, which may give it late; decoded frames wait for their turn."""
    waiting: deque[av.VideoFrame] = deque()
    for frame, decoded in frames:
        waiting.append(decoded)
        for done in summary.run(frame, stages):
            yield done, waiting.popleft()
    for done in summary.run_rest(stages):
        yield done, waiting.popleft()


def _write(
    input_path: Path,
    part: Path,
    stages: Sequence[Stage],
    summary: Summary,
    progress: Progress,
    *,
    container: Container,
    first: av.VideoFrame,
) -> None:
    sound = plan_sound(input_path, container)
    is_transparent = shows_transparency(input_path)
    if is_transparent and container.alpha_codec is None:
        summary.note(f"{container.muxer} cannot show what is under a video: it was laid over white. A .mov keeps it.")
        is_transparent = False
    with ExitStack() as stack:
        source, stream = open_video(input_path, stack)
        reader = VideoReader(input_path, source, stream, summary)
        tags = kept_tags(source.metadata)
        options = tag_options(tags, container.muxer)
        if lost := lost_tags(tags, container.muxer, options):
            summary.note(f"{container.muxer} has no place for these tags: {', '.join(sorted(lost))}.")
        if container.muxer == "gif":
            options |= gif_options(input_path)
        target = stack.enter_context(av.open(ffmpeg_path(part), "w", format=container.muxer, options=options))
        make = GifWriter if container.muxer == "gif" else VideoWriter
        writer = make(WriterJob(target, container, stream, first, summary, is_transparent))
        companions = OtherStreams(source, target, container, stream, summary, sound=sound)
        _begin(target, part)
        shares = stack.enter_context(closing(dissolve_shares(input_path)))
        for done, frame in _swapped(with_shares(reader.frames(companions), shares), stages, summary):
            with summary.stage("encode").measure():
                writer.write(frame, done)
            summary.count_written(done)
            progress(summary.written.count, reader.estimated_frames)
        companions.finish()
        writer.finish()
        reader.judge()


def _keep_all_around(first: av.VideoFrame, part: Path, summary: Summary, container: Container) -> None:
    if side_data_of(first, Type.SPHERICAL) is None:
        return
    box = spherical_box(first)
    if container.muxer not in ("mp4", "mov") or box is None or not put_into_first_track(part, box):
        summary.note("What says that the video is seen all around (360°) is left out: players show it flat.")


def _begin(target: OutputContainer, part: Path) -> None:
    """Write the header, so that what a container or an encoder does not take is found out before any work.

    Raises:
        SinkError: it does not take it.
    """
    try:
        target.start_encoding()
    except (FFmpegError, ValueError) as error:
        if isinstance(error, OSError):
            raise
        raise SinkError(
            f"{whole_name(part)!r} cannot be begun: {str(error).splitlines()[0]}. Try another format, or a smaller one."
        ) from error


def dissolve_shares(path: Path) -> Generator[float | None, None, None]:
    """Give for each frame the share of the shot that comes, None outside of dissolves; memory for glances only.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    dissolves = Dissolves()
    with ExitStack() as stack:
        for frame in VideoReader(path, *open_video(path, stack), Summary()).decoded(None):
            yield from dissolves.take(_glance(frame))
    yield from dissolves.rest()


def with_shares(
    frames: Iterator[tuple[Frame, av.VideoFrame]], shares: Iterator[float | None]
) -> Iterator[tuple[Frame, av.VideoFrame]]:
    """Write into each frame what is known of it."""
    for frame, decoded in frames:
        share = next(shares, None)
        yield (frame if share is None else replace(frame, dissolve_share=share)), decoded


def _glance(frame: av.VideoFrame) -> Glance:
    width, height = _SEEN_PX
    small = frame.reformat(width=width, height=height, format="bgr24").to_ndarray()
    return Glance.of(np.asarray(small, np.uint8))


def tag_options(tags: Mapping[str, str], muxer: str) -> dict[str, str]:
    """Give the muxer's options with which most of the tags are kept: found out by writing them into memory.

    QuickTime keys hold any tag (creation date, place, make and model of a telephone), but take the place of those boxes
    in which players look for a title; so they are written only where something would be lost.
    """
    if muxer not in ("mp4", "mov") or not lost_tags(tags, muxer, {}):
        return {}
    return dict(_AS_KEYS)


def lost_tags(tags: Mapping[str, str], muxer: str, options: Mapping[str, str]) -> list[str]:
    """Say which tags a muxer does not write."""
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=muxer, options=dict(options)) as target:
            target.metadata.update(tags)
            stream = target.add_stream("mpeg4", rate=25)
            assert isinstance(stream, VideoStream)  # noqa: S101 - MPEG-4 makes pictures
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
            target.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
            target.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r", metadata_errors="replace") as written:
            found = {key.lower() for key in written.metadata}
    except (FFmpegError, ValueError):
        return list(tags)
    return [key for key, text in tags.items() if text and key.lower() not in found]


def shows_transparency(path: Path) -> bool:
    """Decode a video up to its first pixel that is not opaque; where the format knows none, one frame.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    with ExitStack() as stack:
        reader = VideoReader(path, *open_video(path, stack), Summary())
        for frame in reader.decoded(None):
            if not has_transparency(frame):
                return False
            if stored_samples(frame, is_deep=False)[..., 3].min() < _OPAQUE:
                return True
    return False
