"""What becomes of a recording whose run was killed: it lies there as NAME.part, playable up to its last two seconds."""

import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from mien.media.formats import container_of, media_type
from mien.media.video.film_file import ffmpeg_path
from mien.provenance.c2pa.sign import Signer, UsersCertificate, signed_name
from mien_models.errors import SinkError, SourceError, UsageError
from mien_models.system.atomic_write import cannot_write, part_of, whole_name, whole_or_nothing
from mien_models.system.one_writer import held
from mien_models.system.printable import printable, shown

SESSION_TAG: Final = "comment"
"""The tag of MP4 and MOV that every player shows."""
_GROWING_S: Final = 6
"""A recording grows every second, which tells that a run has it where files cannot be locked."""
_NOTE: Final = "Recorded with Mien, which replaces faces by AI"


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
