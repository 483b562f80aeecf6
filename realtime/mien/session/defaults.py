"""What is asked of a source, and what every frame of a session looks like, where the user named nothing."""

from fractions import Fraction
from typing import Final

from mien.media.letterbox import even
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.session.options import SoundOptions, SourceOptions
from mien.sound.microphone import SYNTHETIC
from mien.sources.registry import make_source, source_plugin

_SIZE: Final = (1280, 720)
"""What every webcam of the last ten years offers at 30 frames a second and every call takes."""
_FPS: Final = Fraction(30)
_FASTEST: Final = Fraction(240)


def source_request(address: str, options: SourceOptions, sound: SoundOptions) -> SourceRequest:
    """Ask a device for a size and rate that suit a call where the user asked for none; a file is taken as it is."""
    size, fps, claps = options.size, options.fps, sound.microphone == SYNTHETIC
    if source_plugin(address).takes_wishes:
        size, fps = size or _SIZE, fps or _FPS
    if size is None:
        return SourceRequest(address, fps=fps, claps=claps)
    return SourceRequest(address, *size, fps, claps=claps)


def output_format(request: SourceRequest, size: tuple[int, int] | None, fps: Fraction | None) -> OutputFormat:
    """Fix what every frame of the session looks like: as asked, as the file is, or as a webcam is.

    Raises:
        SourceError: the file cannot be read.
    """
    info = _file_info(request)
    if info is None:
        width, height = size or _SIZE
        return OutputFormat(width, height, fps or _FPS)
    width, height = size or (even(info.width), even(info.height))
    return OutputFormat(width, height, fps or min(info.fps or _FPS, _FASTEST))


def _file_info(request: SourceRequest) -> SourceInfo | None:
    """Open a file for a moment; None for a device or a stream, which would not like it."""
    if not source_plugin(request.address).is_played:
        return None
    with make_source(request) as source:
        return source.info
