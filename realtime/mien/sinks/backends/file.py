"""Records a video file while the program runs: H.264 and AAC, with the times they really had, signed at the end."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.container import OutputContainer

from mien.consent.terms import Scope
from mien.media.formats import Container, container_of, media_type
from mien.media.video.ffmpeg_path import ffmpeg_path
from mien.media.video.live_video import VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.sinks.live_tracks import AnyPacket, LiveTracks, Studio
from mien.sinks.recovery import SESSION_TAG, check_nothing_unfinished, session_note
from mien.sinks.registry import SinkPlugin
from mien_models.errors import SinkError
from mien_models.system.atomic_write import cannot_write, check_writable, part_of
from mien_models.system.one_writer import check_nobody_writes, held
from mien_models.system.printable import in_one_line, shown

_CODEC: Final = "libx264"
_QUALITY: Final = 20
"""x264's constant rate factor: visually clean."""


class FileSink:
    """Has state: the open file. It grows as PATH.part, is signed when it is closed, and takes its name.

    No other run can write it meanwhile.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._path = Path(target)
        self._container = container_of(self._path)
        if self._container.video_codec != _CODEC:
            raise SinkError(f"{self._path.suffix} files are not recorded live. Record .mp4 and convert it.")
        check_nobody_writes(self._path)
        check_nothing_unfinished(self._path)
        self._output = output
        self.studio = Studio()
        """What it records with; that of the session is set before the first frame."""
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
        part, output = part_of(self._path), self._output
        try:
            with contextlib.ExitStack() as ownership:
                part.touch()
                ownership.enter_context(held(part, self._path))
                # Again, now that nobody else can begin one.
                check_nothing_unfinished(self._path)
                tracks = LiveTracks(self.studio, VideoWish(output.width, output.height, output.fps, _QUALITY))
                self._recording = _Recording(self._path, self._container, tracks, self.signer.session)
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
    """One open file; has state: its tracks, and whether a swapped face was in it."""

    def __init__(self, path: Path, container: Container, tracks: LiveTracks, session: str | None) -> None:
        self._path = path
        self._part = part_of(path)
        self._tracks = tracks
        self._frames = 0
        self._is_swapped = False
        self._file: OutputContainer = av.open(
            ffmpeg_path(self._part), "w", format=container.muxer, options=dict(container.safe_options)
        )
        # Of use when the run is interrupted: the recording is signed later, by a program that knows no session.
        self._file.metadata[SESSION_TAG] = session_note(session)
        tracks.add_to(self._file)
        self._has_header = False
        self._is_sound = True
        """Whether anything may be written to it; not after its header failed."""

    def write(self, frame: OutputFrame) -> None:
        self._mux(self._tracks.write(frame))
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
                rest = self._tracks.finish()
                if self._is_sound and self._frames:
                    self._mux(rest)
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

    def _mux(self, packets: Sequence[AnyPacket]) -> None:
        if packets and not self._has_header:
            # FFmpeg crashes when a file is written whose header failed, and when one is closed that holds nothing else.
            self._is_sound = False
            self._file.start_encoding()
            self._is_sound = self._has_header = True
        for packet in packets:
            self._file.mux_one(packet)

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


PLUGIN: Final = SinkPlugin(
    make=FileSink,
    label="Recording",
    help="a video file, H.264 with sound, signed",
    target="PATH.mp4",
    use=Scope.RECORDING,
    writes_target=True,
)
