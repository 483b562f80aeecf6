"""Swaps the faces of one file: checks the two names, then does the picture or the video."""

import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.error import FFmpegError

from mien.media.formats import Container, container_of
from mien.media.pictures import PICTURE_SUFFIXES, check_picture_name, read_picture, write_picture
from mien.media.video.ffmpeg_path import ffmpeg_path
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.offline.encoder import GifWriter, VideoWriter, gif_options
from mien.pipeline.offline.other_streams import OtherStreams
from mien.pipeline.offline.reader import VideoReader, first_frame, open_video
from mien.pipeline.offline.sound_plan import plan_sound
from mien.pipeline.offline.summary import OfflineResult, Progress, Signing, Summary
from mien.provenance.c2pa.sign import Signer
from mien_models.errors import SinkError, SourceError, UsageError
from mien_models.system.atomic_write import check_spares, check_writable, whole_name, whole_or_nothing
from mien_models.system.one_writer import only_writer
from mien_models.system.printable import shown


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
        _write(input_path, part, stages, summary, progress, container=container)
        if summary.swapped:
            signing.sign(part)


def _swapped(
    frames: Iterator[tuple[Frame, av.VideoFrame]], stages: Sequence[Stage], summary: Summary
) -> Iterator[tuple[Frame, av.VideoFrame]]:
    """Send every frame through the stages, which may give it late; what was decoded waits for them."""
    waiting: deque[av.VideoFrame] = deque()
    for frame, decoded in frames:
        waiting.append(decoded)
        for done in summary.run(frame, stages):
            yield done, waiting.popleft()
    for done in summary.run_rest(stages):
        yield done, waiting.popleft()


def _write(
    input_path: Path, part: Path, stages: Sequence[Stage], summary: Summary, progress: Progress, *, container: Container
) -> None:
    first = first_frame(input_path)
    sound = plan_sound(input_path, container)
    with ExitStack() as stack:
        source, stream = open_video(input_path, stack)
        reader = VideoReader(input_path, source, stream, summary)
        options = gif_options(input_path) if container.muxer == "gif" else {}
        target = stack.enter_context(av.open(ffmpeg_path(part), "w", format=container.muxer, options=options))
        writer = (GifWriter if container.muxer == "gif" else VideoWriter)(target, container, stream, first, summary)
        others = OtherStreams(source, target, container, stream, summary, sound=sound)
        _begin(target, part)
        for frame, decoded in _swapped(reader.frames(others), stages, summary):
            with summary.stage("encode").measure():
                writer.write(decoded, frame)
            summary.count_written(frame)
            progress(summary.written.count, reader.estimated_frames)
        others.finish()
        writer.finish()
        reader.judge()


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


_JPEGS_IN_A_ROW: Final = frozenset({".mjpeg", ".mjpg"})
"""Videos whose content is that of a picture with more behind it, which nothing but the name tells."""


def _ignore(_done: int, _total: int | None) -> None:
    """Nobody watches."""


def swap_file(
    input_path: Path,
    output_path: Path,
    stages: Sequence[Stage],
    *,
    progress: Progress = _ignore,
    providers: Mapping[str, str] | None = None,
    signer: Signer | None = None,
) -> OfflineResult:
    """Send every frame of a file through `stages`, in order, and write the file `output_path`.

    A frame that no stage composed is written as it was. The output appears under its name only when it is whole; after
    any exception, KeyboardInterrupt included, nothing of it is left.

    Args:
        input_path: a picture or a video.
        output_path: its suffix chooses the format.
        stages: called with one frame at a time; `captured_ns` is the time from the file's start.
        progress: called after every frame, in this thread.
        providers: what each network runs on, for the report.
        signer: what signs the output where a face was swapped; by default this installation's, without a session.

    Raises:
        UsageError: input and output are the same file, or a picture shall become a video.
        PhotoError: the picture cannot be read.
        SourceError: the video cannot be read, or no frame of it can be decoded.
        SinkError: the output cannot be written, or another run is writing it.
    """
    _check_names(input_path, output_path)
    summary = Summary()
    signing = Signing(signer or Signer(), input_path, output_path, summary)
    if is_picture(input_path, output_path):
        _swap_picture(input_path, output_path, stages, summary, signing)
        progress(1, 1)
    else:
        _check_is_video_name(input_path, output_path)
        swap_video(input_path, output_path, stages, summary, progress, signing=signing)
    return summary.result(providers or {})


def is_picture(input_path: Path, output_path: Path | None = None) -> bool:
    """Whether a file holds one picture: by its content, not its name. A GIF is a video unless a picture is wanted."""
    from PIL import Image

    from mien.media.pictures.read import quiet_readers

    if input_path.suffix.lower() in _JPEGS_IN_A_ROW:
        return False
    try:
        with quiet_readers(), Image.open(input_path) as opened:
            is_still = getattr(opened, "n_frames", 1) == 1 and output_path is not None
            wants_picture = output_path is not None and output_path.suffix.lower() in PICTURE_SUFFIXES
            return opened.format != "GIF" or (is_still and wants_picture)
    except Image.DecompressionBombError:
        return True
    except Exception:  # noqa: BLE001 - whatever Pillow trips over: the video reader says what is wrong with it
        return input_path.suffix.lower() in {*PICTURE_SUFFIXES, ".bmp", ".heic", ".heif"}


def _check_names(input_path: Path, output_path: Path) -> None:
    if not input_path.exists():
        raise SourceError(f"There is no file {shown(input_path)}. Check the path.")
    if input_path.is_dir():
        raise SourceError(f"Expected a picture or video, and {shown(input_path)} is a folder. Name a file in it.")
    check_spares([input_path], output_path)
    check_writable(output_path)


def _check_is_video_name(input_path: Path, output_path: Path) -> None:
    if output_path.suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(
            f"{str(input_path)!r} is a video, and {output_path.name!r} names a picture. Give a name like "
            f"'{output_path.stem}.mp4'."
        )


def _swap_picture(
    input_path: Path, output_path: Path, stages: Sequence[Stage], summary: Summary, signing: Signing
) -> None:
    check_picture_name(output_path)
    with summary.stage("decode").measure():
        picture = read_picture(input_path)
    summary.expected = 1
    summary.count_read()
    (frame,) = summary.run(Frame(image=picture.image_bgr, index=0, captured_ns=0), stages)
    is_copied = frame.composed is None and output_path.suffix.lower() == input_path.suffix.lower()
    with summary.stage("encode").measure():
        if frame.composed is not None:
            written = write_picture(output_path, picture.changed_to(frame.outgoing.image_bgr), finish=signing.sign)
        elif is_copied:
            summary.note(f"No face was swapped in {input_path.name}: it was copied byte for byte.")
            with whole_or_nothing(output_path) as part:
                shutil.copyfile(input_path, part)
            written = ()
        else:
            summary.note(f"No face was swapped in {input_path.name}: it was written with its own face.")
            written = write_picture(output_path, picture)
    for sentence in (*written, *(() if is_copied else picture.notes)):
        summary.note(sentence)
    summary.count_written(frame)
