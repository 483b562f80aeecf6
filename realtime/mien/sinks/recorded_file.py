"""One file of a recording: open until it is finished, signed and named."""

import contextlib
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from mien.media.formats import Container, media_type
from mien.media.video.film_file import ffmpeg_path
from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.pipeline.frame import OutputFrame
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.sinks.live_tracks import AnyPacket, LiveTracks
from mien.sinks.recovery import SESSION_TAG, check_nothing_unfinished, session_note
from mien_models.errors import SinkError
from mien_models.system.atomic_write import cannot_write, part_of
from mien_models.system.one_writer import held
from mien_models.system.printable import shown


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
