"""Microphones, and what recordings and streams are encoded and sent with."""

from collections.abc import Sequence
from fractions import Fraction

from mien.diagnostics.doctor.checks import Check, Verdict
from mien.media.video.live_video import LiveVideo, VideoWish
from mien.sinks.backends.srt import HOW_TO_INSTALL
from mien.sound.devices import SoundDevice
from mien_models.errors import SinkError, SoundError


def check_microphones(found: Sequence[SoundDevice] | SoundError) -> Check:
    """Say which microphones there are, or what PortAudio lacks."""
    if isinstance(found, SoundError):
        return Check("microphone", Verdict.ADVICE, "not known", f"{found} Without it, recordings have no sound.")
    if not found:
        advice = "Plug one in; until then recordings have no sound. In a container, pass /dev/snd in."
        return Check("microphone", Verdict.ADVICE, "none", advice)
    return Check("microphone", Verdict.OK, ", ".join(one.name for one in found if one.is_default) or found[0].name)


def check_encoders() -> Check:
    """Try the encoder that a stream of 720p would get; every one that is chosen has proved itself."""
    wish = VideoWish(1280, 720, Fraction(30), None, 4_500_000, is_prompt=True)
    try:
        video = LiveVideo(wish)
    except SinkError as error:
        return Check("encoder", Verdict.BROKEN, str(error), "Install PyAV again: uv sync --reinstall-package av")
    video.finish()
    kind = "the processor" if video.name == "libx264" else "hardware"
    return Check("encoder", Verdict.OK, f"{video.name} ({kind}); FFmpeg need not be installed")


def check_srt(program: str | None) -> Check:
    """Say whether streams by SRT can be sent."""
    if program is None:
        return Check("SRT", Verdict.ADVICE, "not installed", f"Only needed for --sink srt://...: {HOW_TO_INSTALL}")
    return Check("SRT", Verdict.OK, "FFmpeg's program of imageio-ffmpeg")
