"""Records a video file while the program runs: H.264 and AAC, with the times they really had, signed at the end."""

import contextlib
import itertools
import logging
import threading
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mien.consent.terms import Scope
from mien.media.formats import container_of
from mien.media.video.live_sound import TIME_BASE as SOUND_TICK
from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.media.video.live_video import VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.provenance.c2pa.sign import Signer
from mien.sinks.live_tracks import AnyPacket, LiveTracks, Studio
from mien.sinks.recorded_file import RecordedFile, check_nothing_unfinished, owned, time_of
from mien.sinks.registry import SinkPlugin
from mien.sinks.streaming import bit_rate_for, stream_wish
from mien_models.errors import MienError, SinkError
from mien_models.system.atomic_write import cannot_write, check_writable, part_of
from mien_models.system.crash.edge import edge
from mien_models.system.one_writer import check_nobody_writes
from mien_models.system.printable import in_one_line, shown

_LOG = logging.getLogger(__name__)
_CODEC: Final = "libx264"


class FileSink:
    """Has state: the open file. It grows as PATH.part, is signed when it is closed, and takes its name.

    No other run can write it meanwhile. It can go on in another file without a gap; the one before is signed beside.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._first = self._path = Path(target)
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
        self._tracks: LiveTracks | None = None
        self._recording: RecordedFile | None = None
        self._sounds: deque[AnyPacket] = deque()
        self._wanted: Path | None = None
        self._others: list[threading.Thread] = []
        self._failure: MienError | None = None

    @property
    def description(self) -> str:
        """One line for people."""
        return in_one_line(f"video file {self._first}")

    def split(self) -> Path:
        """Go on in another file with the next key frame, which is made; give its path. Any thread may.

        Raises:
            SinkError: nothing is recorded now.
        """
        tracks = self._tracks
        if tracks is None:
            raise SinkError(f"The recording {shown(self._path)} has ended already; start it again.")
        self._wanted = wanted = self._wanted or _free_beside(self._first)
        tracks.video.want_key()
        return wanted

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            SinkError: a missing folder, another run that writes it, or nothing may be written there.
        """
        self._path, self._wanted, self._failure = self._first, None, None
        self._sounds.clear()
        check_writable(self._path)
        check_nobody_writes(self._path)
        wish, output = self.studio.recording, self._output
        width, height = wish.size_of(output.width, output.height)
        with contextlib.ExitStack() as undo:
            ownership = undo.enter_context(owned(self._path))
            tracks = LiveTracks(self.studio, _encoded(OutputFormat(width, height, output.fps), wish.quality))
            self._recording = self._begun(self._path, tracks, ownership.pop_all())
            self._tracks = tracks
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, sign it where it shows a swapped face, and give it its name.

        Raises:
            SinkError: one of that failed; what is there is kept, and the message says where.
        """
        recording, self._recording = self._recording, None
        tracks, self._tracks = self._tracks, None
        self.is_finishing = True
        try:
            if recording is not None and tracks is not None:
                self._finish(recording, tracks)
            others, self._others = self._others, []
            for thread in others:
                thread.join()
        finally:
            self.is_finishing = False
        if self._failure is not None:
            raise self._failure

    def write(self, frame: OutputFrame) -> None:
        """Encode one frame.

        Raises:
            SinkError: the disk is full or gone; what was recorded is kept, and the message says where.
        """
        self._output.check(frame)
        recording, tracks = self._recording, self._tracks
        if recording is None or tracks is None:
            raise SinkError(f"The recording {shown(self._path)} has ended already; start it again.")
        try:
            recording.write(frame)
            self._put(tracks.write(frame), tracks)
        except OSError as error:
            recording = self._recording or recording
            self._recording = self._tracks = None
            with contextlib.suppress(SinkError):
                self._finish(recording, tracks)
            raise SinkError(f"{cannot_write(self._path, error)} {recording.what_is_kept()}") from error

    def _finish(self, recording: RecordedFile, tracks: LiveTracks) -> None:
        """Write what is left, and close; a split whose key frame still was in the encoder happens now."""
        rest = sorted([*self._sounds, *tracks.finish()], key=time_of)
        self._sounds.clear()
        keys = [at for at, packet in enumerate(rest) if packet.time_base == VIDEO_TICK and packet.is_keyframe]
        if self._wanted is not None and recording.has_header:
            if not keys:
                _LOG.warning("The recording ended before %s began; all of it is in %s.", self._wanted, self._path)
            else:
                with edge("The recording could not be split", self._fail):
                    recording = self._part_at(rest[keys[0]], self._wanted, recording, tracks, rest[: keys[0]])
                    rest = rest[keys[0] :]
        recording.finish(self.signer, rest)

    def _put(self, packets: Sequence[AnyPacket], tracks: LiveTracks) -> None:
        """Write pictures, and sound up to where they are: where the file ends, both end."""
        self._sounds.extend(packet for packet in packets if packet.time_base == SOUND_TICK)
        for packet in packets:
            if packet.time_base != VIDEO_TICK or self._recording is None:
                continue
            if self._wanted is not None and packet.is_keyframe and self._recording.has_header:
                sounds = self._sounds_before(time_of(packet))
                self._recording = self._part_at(packet, self._wanted, self._recording, tracks, sounds)
            self._recording.mux([*self._sounds_before(time_of(packet)), packet])

    def _sounds_before(self, time_s: Fraction) -> Sequence[AnyPacket]:
        found: list[AnyPacket] = []
        while self._sounds and time_of(self._sounds[0]) < time_s:
            found.append(self._sounds.popleft())
        return found

    def _part_at(
        self, key: AnyPacket, path: Path, before: RecordedFile, tracks: LiveTracks, rest: Sequence[AnyPacket]
    ) -> RecordedFile:
        """Go on in another file with this key frame; the one before gets its rest in a thread of its own."""
        with contextlib.ExitStack() as undo:
            ownership = undo.enter_context(owned(path))
            after = self._begun(path, tracks, ownership.pop_all(), time_of(key))
        # Pictures of before may still be in the encoder.
        after.is_swapped = before.is_swapped
        self._path, self._wanted = path, None
        thread = threading.Thread(target=self._finish_beside, args=(before, rest), name="mien-recording", daemon=True)
        self._others = [one for one in self._others if one.is_alive()] + [thread]
        thread.start()
        return after

    def _begun(
        self, path: Path, tracks: LiveTracks, ownership: contextlib.ExitStack, begins_s: Fraction = Fraction(0)
    ) -> RecordedFile:
        return RecordedFile(path, self._container, tracks, self.signer.session, ownership, begins_s=begins_s)

    def _finish_beside(self, recording: RecordedFile, rest: Sequence[AnyPacket]) -> None:
        with edge("A recording could not be finished", self._fail):
            recording.finish(self.signer, rest)

    def _fail(self, error: MienError) -> None:
        _LOG.warning("%s", error)
        self._failure = self._failure or error


def _encoded(output: OutputFormat, quality: int | None) -> VideoWish:
    """Say how: where no quality counts, exactly as a stream is, so that both have one encoder."""
    if quality is None:
        return stream_wish(output, bit_rate_for(output))
    return VideoWish(output.width, output.height, output.fps, quality)


def _free_beside(path: Path) -> Path:
    """Name the next file: show.mp4 is followed by show-2.mp4."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in names if not name.exists() and not part_of(name).exists())


PLUGIN: Final = SinkPlugin(
    make=FileSink,
    label="Recording",
    help="a video file, H.264 with sound, signed",
    target="PATH.mp4",
    use=Scope.RECORDING,
    writes_target=True,
)
