"""What is used where the user named nothing: the first real camera, the first output that somebody can see."""

import logging
import sys
from fractions import Fraction
from typing import Final

from mien.media.letterbox import even
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.sources.address import make_source, source_kind
from mien_models.errors import SinkError

_LOG = logging.getLogger(__name__)
_SIZE: Final = (1280, 720)
"""What every webcam of the last ten years offers at 30 frames a second and every call takes."""
_FPS: Final = Fraction(30)
_FASTEST: Final = Fraction(240)


def default_camera_address() -> str:
    """Name the first camera that is real and may be opened, else the synthetic one, and say so."""
    from mien.media.devices.cameras import cameras, default_camera

    camera = default_camera(cameras())
    if camera is not None:
        return camera.address
    _LOG.warning("No camera was found, so a synthetic one plays. `mien devices` lists cameras, --camera names one.")
    return "synthetic"


def default_sinks() -> tuple[str, ...]:
    """Name the virtual camera, else the window, else nothing that anybody sees; say what to install."""
    from mien.sinks.backends.window import has_display
    from mien.sinks.virtual_camera import how_to_install

    if _has_virtual_camera():
        return ("virtualcam",)
    if has_display():
        _LOG.warning("No virtual camera was found, so a window shows the picture. %s", how_to_install())
        return ("window",)
    _LOG.warning(
        "No virtual camera was found and there is no display, so nobody sees the picture: --sink file:out.mp4 records "
        "it. %s",
        how_to_install(),
    )
    return ("null",)


def source_request(address: str, size: tuple[int, int] | None, fps: Fraction | None) -> SourceRequest:
    """Ask a device for a size and rate that suit a call where the user asked for none; a file is taken as it is."""
    if source_kind(address) in {"camera", "synthetic"}:
        size, fps = size or _SIZE, fps or _FPS
    if size is None:
        return SourceRequest(address, fps=fps)
    return SourceRequest(address, *size, fps)


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
    if source_kind(request.address) not in {"video", "images"}:
        return None
    with make_source(request) as source:
        return source.info


def _has_virtual_camera() -> bool:
    if sys.platform == "linux":
        from mien.media.devices.cameras import virtual_cameras

        return bool(virtual_cameras())
    from mien.sinks.registry import make_sink

    try:
        with make_sink("virtualcam", OutputFormat(*_SIZE, _FPS)):
            return True
    except SinkError:
        return False
