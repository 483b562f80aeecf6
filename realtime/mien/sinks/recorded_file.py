"""One file of a recording: open until it is finished, signed and named, or made whole after its run was interrupted."""

import contextlib
import re
import shlex
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from mien.media.formats import Container, container_of, media_type
from mien.media.video.film_file import ffmpeg_path
from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.pipeline.frame import OutputFrame
from mien.provenance.c2pa.sign import Signer, SigningError, UsersCertificate, signed_name
from mien.sinks.live_tracks import AnyPacket, LiveTracks
from mien_models.errors import SinkError, SourceError, UsageError
from mien_models.system.atomic_write import cannot_write, part_of, whole_name, whole_or_nothing
from mien_models.system.one_writer import held
from mien_models.system.printable import printable, shown

SESSION_TAG: Final = "comment"
"""The tag of MP4 and MOV that every player shows."""
_GROWING_S: Final = 6
"""A recording grows every second, which tells that a run has it where files cannot be locked."""
_NOTE: Final = "Recorded with Mien, which replaces faces by AI"


class RecordedFile:
    """One open file; has state: its streams, and whether a swapped face was in it."""

    def __init__(
        self,
        path: Path,
        container: Container,
        tracks: LiveTracks,
        session: str | None,
        ownership: contextlib.ExitStack,
        *,
        begins_s: Fraction = Fraction(0),
    ) -> None:
        """Open it; it begins at a time of the tracks, and lets go of what it owns at its end."""
        self._path, self._begins_s, self._ownership = path, begins_s, ownership
        self._part = part_of(path)
        self.is_swapped = False
        self._file: OutputContainer = av.open(
            ffmpeg_path(self._part), "w", format=container.muxer, options=dict(container.safe_options)
        )
        # Of use when the run is interrupted: the recording is signed later, by a program that knows no session.
        self._file.metadata[SESSION_TAG] = session_note(session)
        self._video, self._audio = tracks.add_to(self._file)
        self.has_header = False
        self._is_sound = True
        """Whether anything may be written to it; not after its header failed."""

    def write(self, frame: OutputFrame) -> None:
        """Know that this frame is among those that come."""
        self.is_swapped = self.is_swapped or frame.picture.is_marked

    def mux(self, packets: Sequence[AnyPacket]) -> None:
        """Write packets."""
        if packets and not self.has_header:
            # FFmpeg crashes when a file is written whose header failed, and when one is closed that holds nothing else.
            self._is_sound = False
            self._file.start_encoding()
            self._is_sound = self.has_header = True
        for packet in packets:
            shift = round(self._begins_s / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._video if packet.time_base == VIDEO_TICK else self._audio  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
            self._file.mux_one(packet)

    def finish(self, signer: Signer, rest: Sequence[AnyPacket]) -> None:
        """Write what is left, close, sign, rename.

        Raises:
            SinkError: one of the others failed, and the part stays; or it is not signed, and has its name.
        """
        unsigned: SigningError | None = None
        try:
            with self._ownership:
                try:
                    if self._is_sound:
                        self.mux(rest)
                finally:
                    self._file.close()
                if self.has_header:
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

    def _signed(self, signer: Signer) -> SigningError | None:
        if self.is_swapped:
            try:
                signer.sign(self._part, media_type(self._path))
            except SigningError as error:
                return error
        return None

    def what_is_kept(self) -> str:
        """Say where the recording is."""
        if not self.has_header:
            return "Nothing was recorded."
        if self._part.exists():
            return f"What was recorded is kept as {shown(self._part)}; `mien recover` makes a whole file of it."
        return f"What was recorded is in {shown(self._path)}."


@contextlib.contextmanager
def owned(path: Path) -> Generator[contextlib.ExitStack]:
    """Make the part of a file one's own; whoever takes what is in the stack keeps it.

    Raises:
        SinkError: another run has it, or nothing may be written there.
    """
    part = part_of(path)
    try:
        with contextlib.ExitStack() as ownership:
            part.touch()
            ownership.enter_context(held(part, path))
            # Again, now that nobody else can begin one.
            check_nothing_unfinished(path)
            yield ownership
    except OSError as error:
        raise cannot_write(path, error) from error


def time_of(packet: AnyPacket) -> Fraction:
    """Say when a packet begins, in seconds since the recording did."""
    return (packet.pts or 0) * packet.time_base


def session_note(session: str | None) -> str:
    """Say in a tag what a recording is, and of which session."""
    return _NOTE if session is None else f"{_NOTE}; session {session}"


def check_nothing_unfinished(path: Path) -> None:
    """Refuse to record over what an interrupted run left.

    Raises:
        SinkError: an unfinished recording lies beside `path`; the message says what to do.
    """
    part = part_of(path)
    if part.exists() and part.stat().st_size:
        command = f"mien recover {shlex.quote(printable(str(part)))}"
        raise SinkError(f"An unfinished recording lies in {shown(part)}. Run `{command}` first, or record elsewhere.")


def recover(path: Path, users: UsersCertificate | None = None) -> tuple[Path, int]:
    """Make a whole file of an unfinished recording: picture and sound are copied as they are, and the file is signed.

    Args:
        path: NAME.part, or NAME where NAME.part is beside it. It is removed when the whole file is there.
        users: the user's certificate instead of this installation's.

    Returns:
        The file that was made, and how many frames are in it.

    Raises:
        UsageError: a finished recording of that name is there, or a run still writes to this one.
        SourceError: there is no such file, or not one frame in it.
        SinkError: the file cannot be written or signed; the unfinished one stays.
    """
    is_part = path.name != whole_name(path)
    part, whole = (path, path.with_name(whole_name(path))) if is_part else (part_of(path), path)
    container = container_of(whole)
    _check(part, whole)
    with held(part, whole), whole_or_nothing(whole) as copy:
        try:
            frames, session = _copied(part, copy, container.muxer)
        except ValueError as error:  # what is left of its index describes no stream that can be written
            raise _nothing_in(part) from error
        if not frames:
            raise _nothing_in(part)
        Signer(session, users).sign(copy, media_type(whole))
    try:
        part.unlink()
        signed_name(part).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(whole, error) from error
    return whole, frames


def _check(part: Path, whole: Path) -> None:
    if not part.is_file():
        raise SourceError(f"There is no unfinished recording {shown(part)}. Check the path.")
    if whole.exists():
        raise UsageError(f"A recording {shown(whole)} is there already. Rename it, or {part.name!r}, and try again.")
    found = part.stat()
    if not found.st_size:
        raise _nothing_in(part)
    if 0 <= datetime.now(UTC).timestamp() - found.st_mtime < _GROWING_S:
        raise UsageError(f"{shown(part)} grew a moment ago. End the run that records it, or wait {_GROWING_S} s.")


def _copied(part: Path, copy: Path, muxer: str) -> tuple[int, str | None]:
    """Copy pictures and sound up to where the file was torn; give the number of pictures, and the file's session."""
    try:
        source = av.open(ffmpeg_path(part), metadata_errors="replace")
    except FFmpegError as error:
        raise _nothing_in(part) from error
    with source, av.open(ffmpeg_path(copy), "w", format=muxer) as target:
        note = str(source.metadata.get(SESSION_TAG, ""))
        target.metadata[SESSION_TAG] = note
        if not source.streams.video:
            return 0, None
        streams: list[VideoStream | AudioStream] = [source.streams.video[0], *source.streams.audio]
        frames = 0
        copies = {stream.index: target.add_stream_from_template(stream) for stream in streams}
        for packet in _whole_packets(source, streams):
            is_picture = packet.stream.type == "video"
            packet.stream = copies[packet.stream.index]
            try:
                target.mux(packet)
            except FFmpegError as error:
                if isinstance(error, OSError):  # the disk, not the file
                    raise
                break  # the first piece whose times or bytes are damaged: the file was torn here
            frames += is_picture
    found = re.search(r"session ([0-9a-f]{6})", note)
    return frames, found[1] if found else None


def _whole_packets(source: InputContainer, streams: Sequence[VideoStream | AudioStream]) -> Iterator["Packet[Any]"]:
    packets = source.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            packet = None
        if packet is None or (packet.dts is not None and packet.is_corrupt):
            return
        if packet.dts is not None:
            yield packet


def _nothing_in(part: Path) -> SourceError:
    return SourceError(f"No frame can be found in {shown(part)}. Where it is of no other use, remove it.")
