"""A stream from the network: RTSP, HTTP (the MJPEG of a telephone's camera app too), UDP, RTMP; through PyAV."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from mien.media.video.deinterlacing import deinterlaced
from mien.media.video.film_file import is_film
from mien.media.video.upright import Orientations, upright_bgr
from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo
from mien.sources.decoded import DecodedSource
from mien.sources.registry import Claim, SourcePlugin
from mien_models.errors import SourceError
from mien_models.system.sentence import sentence

_log: Final = logging.getLogger(__name__)

_OPEN_TIMEOUT_S: Final = 5.0
_READ_TIMEOUT_S: Final = 1.8
_MOST_AHEAD_S: Final = 0.2
_LONGEST_STEP_S: Final = 2.0
"""Films whose clock jumps play on, from wherever it starts."""
_LEAST_DELAY: Final = {"fflags": "nobuffer", "flags": "low_delay", "max_delay": "0"}
# Little is looked at before the first frame is shown; streams whose format takes longer to see get a second try.
_QUICK_LOOK: Final = {"probesize": "32000", "analyzeduration": "100000"}
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")


class UrlSource(DecodedSource):
    """Reads a stream frame by frame as it comes; whoever reads must keep up (`mien.sources.reader_thread` does)."""

    def __init__(
        self,
        url: str,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self._url = url
        self._clock_ns = clock_ns
        self._wait = wait

    def read(self) -> Frame | None:
        """Wait for the next frame, at most 2 s; None never, for a stream that stops may come back.

        Raises:
            SourceError: nothing came in time or the other side hung up.
        """
        frame = next(self._frames, None)
        if frame is None:
            raise SourceError(f"{self._shown_url} is not open any more.")
        return frame

    @property
    def _shown_url(self) -> str:
        return _PASSWORD.sub("", self._url)

    def _begin(self, stack: ExitStack) -> tuple[SourceInfo, Frame, Iterator[Frame]]:
        """Connect and decode the first frame; passwords are left out of what is said.

        Raises:
            SourceError: nobody answers in 5 s, the address is refused, or it holds no picture.
        """
        container, stream = self._connect(stack)
        frames = self._decode(container, stream)
        first = next(frames)
        return _describe(self._shown_url, container, stream, first), first, frames

    def _connect(self, stack: ExitStack) -> tuple[InputContainer, VideoStream]:
        for look in (_QUICK_LOOK, {}):
            begun_ns = self._clock_ns()
            try:
                container = self._open(stack, {**_LEAST_DELAY, **look})
            except (FFmpegError, OSError, ValueError) as error:
                raise SourceError(self._complaint(error, (self._clock_ns() - begun_ns) / 1e9)) from error
            stream = next((s for s in container.streams.video if is_film(s) and s.codec_context.width > 0), None)
            if stream is not None:
                # Threads by frame would each hold one back.
                stream.thread_type = "SLICE"
                return container, stream
            stack.close()
        raise SourceError(f"{self._shown_url} answers, but sends no video. Check the address in the camera's app.")

    def _open(self, stack: ExitStack, options: dict[str, str]) -> InputContainer:
        if self._url.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # a lost UDP packet smears the picture until the next key frame
        return stack.enter_context(
            av.open(self._url, options=options, timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S), metadata_errors="replace")
        )

    def _complaint(self, error: Exception, after_s: float) -> str:
        if after_s > _OPEN_TIMEOUT_S * 0.95:  # what FFmpeg says of its own time-out differs with the protocol
            return (
                f"{self._shown_url} did not answer in {_OPEN_TIMEOUT_S:.0f} s. Is the camera on, in the same network?"
            )
        reason = getattr(error, "strerror", None) or str(error)
        return sentence(
            "{address} cannot be opened: {reason}. Check the address and that the camera's app is running.",
            address=self._shown_url,
            reason=reason,
        )

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[Frame]:
        is_recorded = container.duration is not None
        start_ns = self._clock_ns()
        played_s, last_s = 0.0, 0.0
        orientations = Orientations()
        for index, frame in enumerate(deinterlaced(self._decoded(container, stream), stream)):
            if is_recorded and frame.pts is not None:  # a film on a server comes faster than it plays
                played_s += min(max(0.0, frame.time - last_s), _LONGEST_STEP_S) if index else 0.0
                last_s = frame.time
                ahead_s = played_s - (self._clock_ns() - start_ns) / 1e9
                self._wait(min(max(0.0, ahead_s), _MOST_AHEAD_S))
            captured_ns = self._clock_ns()
            yield Frame(upright_bgr(frame, orientations.of(frame)), UNNUMBERED, captured_ns)

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                raise SourceError(f"{self._shown_url} has stopped sending.") from error
            if packet is None or packet.size == 0:
                raise SourceError(f"{self._shown_url} has ended the stream.")
            try:
                yield from packet.decode()
            except FFmpegError:  # a damaged frame, or the middle of a group of pictures: the next key frame heals it
                _log.debug("A damaged frame of %s is left out.", self._shown_url)


def _describe(url: str, container: InputContainer, stream: VideoStream, first: Frame) -> SourceInfo:
    height, width = first.image.shape[:2]
    rate = stream.average_rate
    fps = Fraction(rate) if rate is not None and 0 < rate <= 1000 else None
    return SourceInfo(
        description=f"{url}: {stream.codec_context.name} in {container.format.name}, {width}x{height}",
        width=width,
        height=height,
        fps=fps,
        frame_count=None,
        is_live=True,
    )


def _claim(address: str) -> Claim:
    text = address.strip()
    # A source of somebody's own may be sure of a protocol that this one would try too.
    return Claim.LIKELY if _URL.match(text) and not text.lower().startswith("file://") else Claim.NO


PLUGIN: Final = SourcePlugin(
    make=lambda request: UrlSource(request.address.strip()),
    help="a stream from the network",
    address="URL",
    claims=_claim,
    can_fail=True,
)
