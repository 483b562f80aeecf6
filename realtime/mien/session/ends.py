"""The two ends of a session: what is asked of its source, what frames for its sinks look like, who signs files."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from mien.media.letterbox import even
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.pipeline.sink_interfaces import Signed, Sink
from mien.provenance.c2pa.sign import Signer, UsersCertificate
from mien.session.options import SigningOptions, SoundOptions, SourceOptions
from mien.sound.microphone import SYNTHETIC
from mien.sources.registry import make_source, source_plugin
from mien_models.errors import UsageError

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


def users_certificate(options: SigningOptions) -> UsersCertificate | None:
    """Give the user's own certificate, None where there is none.

    Raises:
        UsageError: only one of certificate and key is given.
    """
    certificate, key = options.certificate, options.key
    if certificate is not None and key is not None:
        return UsersCertificate(certificate, key)
    if certificate is not None or key is not None:
        missing = "credentials_key" if key is None else "credentials_certificate"
        raise UsageError(f"A certificate needs its key, and the key its certificate; {missing!r} is not set.")
    return None


def checked_signer(options: SigningOptions, session: str) -> Signer:
    """Give what signs the files of a session, after making sure that it can.

    Raises:
        MienError: it cannot; the message says why.
    """
    signer = Signer(session, users_certificate(options))
    signer.check()
    return signer


def sign_files(sinks: Iterable[Sink], options: SigningOptions, session: str) -> None:
    """Give every sink that leaves files the signer of the session; without such a sink, nothing is read or made.

    Raises:
        MienError: signing cannot work.
    """
    leaving = [sink for sink in sinks if isinstance(sink, Signed)]
    if not leaving:
        return
    signer = checked_signer(options, session)
    for sink in leaving:
        sink.signer = signer
