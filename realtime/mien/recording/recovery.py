"""What becomes of a recording whose run was killed: it lies there as NAME.part, playable up to its last two seconds."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer, OutputContainer
from av.error import ArgumentError, FFmpegError

from mien.credentials.carriers import media_type
from mien.credentials.seal import Seal, UsersCertificate, signed_name
from mien.recording.containers import container_of
from mien.recording.partial import cannot_write, part_name, part_of, whole_or_nothing
from mien_models.errors import SinkError, SourceError, UsageError

SESSION_TAG: Final = "comment"
"""The tag of MP4 and MOV that every player shows."""
_GROWING_S: Final = 6
"""A recording grows every two seconds, with each key frame; a run that still has it would lose what comes."""
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
        command = f"mien recover {shlex.quote(str(part))}"
        raise SinkError(
            f"An unfinished recording lies in {str(part)!r}. Run `{command}` first, or record to another name."
        )


def recover(path: Path, users: UsersCertificate | None = None) -> tuple[Path, int]:
    """Make a whole file of an unfinished recording: pictures are copied as they are, and the file is signed.

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
    part = path if path.name != part_name(path) else part_of(path)
    whole = part.with_name(part_name(part))
    container = container_of(whole)
    _check(part, whole)
    made = whole.with_name(f"{whole.stem}.recovered{whole.suffix}")
    with whole_or_nothing(made) as copy:
        try:
            with _opened(part) as source, av.open(str(copy), "w", format=container.muxer) as target:
                frames, session = _copied(source, target)
        except ValueError as error:  # what is left of its index describes no stream that can be written
            raise _nothing_in(part) from error
        if not frames:
            raise _nothing_in(part)
        Seal(session, users).sign(copy, media_type(whole))
    try:
        made.replace(whole)
        part.unlink()
        signed_name(part).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(whole, error) from error
    return whole, frames


def _check(part: Path, whole: Path) -> None:
    if not part.is_file():
        raise SourceError(f"There is no unfinished recording {str(part)!r}. Check the path.")
    if whole.exists():
        raise UsageError(f"A recording {str(whole)!r} is there already. Rename it, or {part.name!r}, and try again.")
    found = part.stat()
    if not found.st_size:
        raise _nothing_in(part)
    if 0 <= datetime.now(UTC).timestamp() - found.st_mtime < _GROWING_S:
        raise UsageError(f"{str(part)!r} grew a moment ago. End the run that records it, or wait {_GROWING_S} s.")


def _opened(part: Path) -> InputContainer:
    try:
        return av.open(str(part), metadata_errors="replace")
    except FFmpegError as error:
        raise _nothing_in(part) from error


def _copied(source: InputContainer, target: OutputContainer) -> tuple[int, str | None]:
    """Copy the pictures up to where the file was torn."""
    note = str(source.metadata.get(SESSION_TAG, ""))
    target.metadata[SESSION_TAG] = note
    found = re.search(r"session ([0-9a-f]{6})", note)
    stream = next(iter(source.streams.video), None)
    if stream is None:
        return 0, None
    copied, frames = target.add_stream_from_template(stream), 0
    packets = source.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            packet = None
        if packet is None or (packet.dts is not None and packet.is_corrupt):
            return frames, found[1] if found else None
        if packet.dts is not None:
            packet.stream = copied
            try:
                target.mux(packet)
            except ArgumentError:  # the first piece whose times or bytes are damaged: the file was torn here
                return frames, found[1] if found else None
            frames += 1


def _nothing_in(part: Path) -> SourceError:
    return SourceError(f"No frame can be found in {str(part)!r}. Where it is of no other use, remove it.")
