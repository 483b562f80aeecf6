"""Films of every container that people have, through the reading of `mien swap`, of `mien verify` and of a camera."""

import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import av
import numpy as np

from mien.diagnostics.verify.frames import MediaFrames
from mien.pipeline.interfaces import SourceRequest
from mien.pipeline.offline import swap_file
from mien.sources.backends.video import PLUGIN as VIDEO
from mien_models.errors import MienError

_KINDS: Final[tuple[tuple[str, str, str | None, dict[str, str]], ...]] = (
    (".mp4", "libx264", "aac", {}),
    (".mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    (".mov", "mjpeg", "pcm_s16le", {}),
    (".mkv", "libx264", "libopus", {}),
    (".webm", "libvpx-vp9", "libopus", {}),
    (".avi", "mpeg4", "libmp3lame", {}),
    (".ts", "mpeg2video", "mp2", {}),
    (".flv", "flv", "aac", {}),
    (".wmv", "wmv2", "wmav2", {}),
    (".nut", "ffv1", "flac", {}),
    (".gif", "gif", None, {}),
    (".mxf", "mpeg2video", "pcm_s16le", {}),
    (".mjpeg", "mjpeg", None, {}),
    (".y4m", "rawvideo", None, {}),
)
_RATES: Final = {"wmav2": 44100}
_MOST_FRAMES: Final = 400
_OUTPUTS: Final = (".mp4", ".mov", ".gif", ".m4v")


def _film(path: Path, codec: str, sound: str | None, options: dict[str, str]) -> bytes:
    with av.open(str(path), "w", options=options) as file:
        video = cast("Any", file.add_stream(codec, rate=25))
        video.width, video.height = 64, 48
        video.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        audio = (
            None
            if sound is None
            else cast("Any", file.add_stream(sound, rate=_RATES.get(sound, 48000), layout="stereo"))
        )
        if audio is not None:
            audio.bit_rate = 128_000
        for index in range(6):
            pixels = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
            file.mux(video.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        file.mux(video.encode(None))
        if audio is not None:
            for packet in _sound(audio):
                file.mux(packet)
    return path.read_bytes()


def _sound(stream: Any) -> Iterator[Any]:  # noqa: ANN401 - PyAV knows no common type
    waves = np.zeros((2, 48000 // 4), np.float32)
    waves[:, ::50] = 0.3
    frame = av.AudioFrame.from_ndarray(waves, "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    resampler = av.AudioResampler(
        stream.codec_context.format,
        "stereo",
        stream.codec_context.sample_rate,
        frame_size=stream.codec_context.frame_size or None,
    )
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        yield stream.encode(resampled)
    yield stream.encode(None)


class _Containers:
    tokens = (
        b"moov",
        b"mdat",
        b"trak",
        b"stts",
        b"elst",
        b"stsd",
        b"moof",
        b"RIFF",
        b"idx1",
        b"\x1a\x45\xdf\xa3",
        b"\x47\x40",
        b"OggS",
    )

    def seeds(self) -> Sequence[bytes]:
        with TemporaryDirectory() as made:
            folder = Path(made)
            return [
                _film(folder / f"{number}{suffix}", codec, sound, dict(options))
                for number, (suffix, codec, sound, options) in enumerate(_KINDS)
            ]

    def run(self, content: bytes, folder: Path) -> None:
        path = folder / "in put.mp4"
        path.write_bytes(content)
        refusal: MienError | None = None
        output = folder / f"out{_OUTPUTS[zlib.crc32(content) % len(_OUTPUTS)]}"
        try:
            swap_file(path, output, ())
        except MienError as error:
            refusal = error
        for _ in islice(MediaFrames(path).samples(), _MOST_FRAMES):
            pass
        with VIDEO.make(SourceRequest(str(path))) as source:
            for _ in range(_MOST_FRAMES):
                if source.read() is None:
                    break
        if refusal is not None:
            raise refusal


TARGET: Final = _Containers()
