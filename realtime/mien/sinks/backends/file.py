"""Records a video file while the program runs: H.264, with the times the frames really had, signed at the end."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream

from mien.consent.terms import Scope
from mien.media.formats import Container, container_of, media_type
from mien.media.timestamps import Timeline
from mien.media.video.ffmpeg_path import ffmpeg_path
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.sinks.plugin import SinkPlugin
from mien.sinks.recovery import SESSION_TAG, check_nothing_unfinished, session_note
from mien_models.errors import SinkError
from mien_models.system.atomic_write import cannot_write, check_writable, part_of
from mien_models.system.one_writer import check_nobody_writes, held
from mien_models.system.printable import in_one_line, shown

_TIME_BASE: Final = Fraction(1, 90_000)
_EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
"""Without it every colour comes out a level too dark."""
_QUALITY: Final = {
    # Visually clean, and fast enough to leave a laptop's cores to the swap.
    "libx264": {"preset": "veryfast", "crf": "20"},
}
_HELD_BACK_S: Final = Fraction(1, 4)
_MOST_HELD_BACK: Final = 5
"""Frames. With ten, files are a tenth larger and hardly better; with none they are twice as large."""
_MOST_THREADS: Final = 3
"""Of the encoder; each holds back one more frame."""


class FileSink:
    """Has state: the open file. It grows as PATH.part, is signed when it is closed, and takes its name.

    No other run can write it meanwhile.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._path = Path(target)
        self._container = container_of(self._path)
        if self._container.video_codec not in _QUALITY:
            raise SinkError(f"{self._path.suffix} files are not recorded live. Record .mp4 and convert it.")
        check_nobody_writes(self._path)
        check_nothing_unfinished(self._path)
        self._output = output
        self.signer = Signer()
        """What signs the recording; that of the session is set before the first frame."""
        self.is_finishing = False
        """Whether it is signing what it recorded, which takes longer the longer that is."""
        self._recording: _Recording | None = None
        self._ownership = contextlib.ExitStack()

    @property
    def description(self) -> str:
        """One line for people."""
        return in_one_line(f"video file {self._path}")

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            SinkError: a missing folder, another run that writes it, or nothing may be written there.
        """
        check_writable(self._path)
        check_nobody_writes(self._path)
        part = part_of(self._path)
        try:
            with contextlib.ExitStack() as ownership:
                part.touch()
                ownership.enter_context(held(part, self._path))
                # Again, now that nobody else can begin one.
                check_nothing_unfinished(self._path)
                self._recording = _Recording(self._path, self._container, self._output, self.signer.session)
                self._ownership = ownership.pop_all()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, sign it where it shows a swapped face, and give it its name.

        Raises:
            SinkError: one of that failed; what is there is kept, and the message says where.
        """
        recording, self._recording = self._recording, None
        with self._ownership:
            if recording is None:
                return
            self.is_finishing = True
            try:
                recording.finish(self.signer)
            finally:
                self.is_finishing = False

    def write(self, frame: OutputFrame) -> None:
        """Encode one frame.

        Raises:
            SinkError: the disk is full or gone; what was recorded is kept, and the message says where.
        """
        self._output.check(frame)
        if self._recording is None:
            raise SinkError(f"The recording {shown(self._path)} has ended already; start it again.")
        try:
            self._recording.write(frame)
        except OSError as error:
            recording, self._recording = self._recording, None
            with contextlib.suppress(SinkError):
                recording.finish(self.signer)
            raise SinkError(f"{cannot_write(self._path, error)} {recording.what_is_kept()}") from error


class _Recording:
    """One open file; has state: its encoder and timeline, and whether a swapped face was in it."""

    def __init__(self, path: Path, container: Container, output: OutputFormat, session: str | None) -> None:
        self._path = path
        self._part = part_of(path)
        self._timeline = Timeline(_TIME_BASE)
        self._frames = 0
        self._is_swapped = False
        self._file: OutputContainer = av.open(
            ffmpeg_path(self._part), "w", format=container.muxer, options=dict(container.safe_options)
        )
        # Of use when the run is interrupted: the recording is signed later, by a program that knows no session.
        self._file.metadata[SESSION_TAG] = session_note(session)
        self._stream = self._added_stream(container.video_codec, output)
        self._has_header = False
        self._is_sound = True
        """Whether anything may be written to it; not after its header failed."""

    def _added_stream(self, codec_name: str, output: OutputFormat) -> VideoStream:
        settings = {**_QUALITY[codec_name], **_look_ahead(output.fps)}
        stream = self._file.add_stream(codec_name, rate=output.fps, options=settings)
        assert isinstance(stream, VideoStream)  # noqa: S101 - every codec of _QUALITY makes pictures
        stream.width, stream.height = output.width, output.height
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base = _TIME_BASE
        # With B-frames a fragmented file starts late by their delay: there is no edit list to take it back.
        codec.max_b_frames = 0
        codec.gop_size = max(1, round(2 * output.fps))
        codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return stream

    def write(self, frame: OutputFrame) -> None:
        picture = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame.image), "bgr24")
        converted = picture.reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, interpolation=_EXACT
        )
        converted.pts = self._timeline.pts(frame.captured_ns, time.monotonic_ns())
        converted.time_base = _TIME_BASE
        self._mux(self._stream.encode(converted))  # pyright: ignore[reportUnknownArgumentType]
        self._frames += 1
        self._is_swapped = self._is_swapped or frame.picture.is_marked

    def finish(self, signer: Signer) -> None:
        """Write what is left, close, sign, rename.

        Raises:
            SinkError: one of the others failed, and the part stays; or it is not signed, and has its name.
        """
        unsigned: SigningError | None = None
        try:
            try:
                if self._is_sound and self._frames:
                    self._mux(self._stream.encode(None))  # pyright: ignore[reportUnknownArgumentType]
            finally:
                self._file.close()
            if self._has_header:
                unsigned = self._signed(signer)
                self._part.replace(self._path)
            else:
                self._part.unlink(missing_ok=True)
        except OSError as error:
            raise SinkError(f"{cannot_write(self._path, error)} {self.what_is_kept()}") from error
        if unsigned is not None:
            raise SinkError(
                f"The recording {shown(self._path)} is complete, but carries no Content Credentials. {unsigned}"
            ) from unsigned

    def _mux(self, packets: Sequence["Packet[VideoStream]"]) -> None:
        if packets and not self._has_header:
            # FFmpeg crashes when a file is written whose header failed, and when one is closed that holds nothing else.
            self._is_sound = False
            self._file.start_encoding()
            self._is_sound = self._has_header = True
        self._file.mux(packets)

    def _signed(self, signer: Signer) -> SigningError | None:
        if self._is_swapped:
            try:
                signer.sign(self._part, media_type(self._path))
            except SigningError as error:
                return error
        return None

    def what_is_kept(self) -> str:
        """Say where the recording is."""
        if not self._has_header:
            return "Nothing was recorded."
        if self._part.exists():
            return f"What was recorded is kept as {shown(self._part)}; `mien recover` makes a whole file of it."
        return f"What was recorded is in {shown(self._path)}."


def _look_ahead(fps: Fraction) -> Mapping[str, str]:
    """Choose how many frames the encoder holds back: they are what an interruption costs beside the last fragment."""
    frames = min(_MOST_HELD_BACK, int(fps * _HELD_BACK_S))
    return {"rc-lookahead": str(frames), "threads": str(max(1, min(_MOST_THREADS, frames)))}


PLUGIN: Final = SinkPlugin(
    make=FileSink, help="a video file, H.264, signed", target="PATH.mp4", use=Scope.RECORDING, writes_target=True
)
