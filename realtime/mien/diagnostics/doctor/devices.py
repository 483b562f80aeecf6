"""Cameras that can be read, virtual cameras that other programs see, microphones, and what encodes and sends."""

import platform
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.diagnostics.doctor.checks import Check, Verdict
from mien.media.devices import v4l2
from mien.media.devices.cameras import Camera, VirtualCamera, virtual_cameras
from mien.sinks.virtual_camera import how_to_install
from mien_models.errors import SinkError, SoundError
from mien_models.system.sentence import sentence

if TYPE_CHECKING:
    from mien.sound.devices import SoundDevice

_CAPTURE: Final = v4l2.Capability.CAPTURE
_OUTPUT: Final = v4l2.Capability.OUTPUT


def check_cameras(found: Sequence[Camera]) -> Check:
    """Say which cameras can be opened."""
    real = [camera for camera in found if not camera.is_virtual]
    usable = [camera for camera in real if not camera.is_denied]
    if usable:
        return Check("camera", Verdict.OK, ", ".join(f"{camera.number} {camera.name}" for camera in usable))
    if real:  # only Linux tells
        names = ", ".join(camera.path for camera in real)
        advice = sentence("sudo usermod -aG video $USER, then log out and in again.")
        return Check("camera", Verdict.ADVICE, f"{names}: this user may not open it", advice)
    advice = sentence("Plug one in; until then --camera synthetic, a video file or the URL of a phone's camera work.")
    if sys.platform == "darwin":
        advice = sentence(
            "Plug one in. Is this terminal allowed to use the camera (System Settings, Privacy & Security, Camera)?"
        )
    return Check("camera", Verdict.ADVICE, "none", advice)


def check_virtual_camera(found: Sequence[tuple[VirtualCamera, v4l2.Capability]]) -> Check:
    """Say whether `--sink virtualcam` has where to write on Linux.

    Args:
        found: every v4l2loopback device with what it offers now: with exclusive_caps=1 that is OUTPUT alone while it is
            free and CAPTURE alone while a program writes into it.
    """
    if not found:
        return Check("virtual camera", Verdict.ADVICE, "no v4l2loopback device", _how_to_load_loopback())
    listed = ", ".join(f"{camera.path} {camera.name} ({_use(can)})" for camera, can in found)
    uses = [can for _, can in found]
    if _CAPTURE | _OUTPUT in uses and _OUTPUT not in uses:
        advice = f"Browsers and Zoom do not list it; load it with exclusive_caps=1. {how_to_install()}"
        return Check("virtual camera", Verdict.ADVICE, listed, advice)
    if _OUTPUT not in uses:
        return Check("virtual camera", Verdict.ADVICE, listed, "Stop the program that writes into it.")
    return Check("virtual camera", Verdict.OK, listed)


def check_desktop_virtual_camera() -> Check:
    """Open the virtual camera of Windows or macOS for a moment, as `--sink virtualcam` would."""
    import pyvirtualcam

    try:
        camera = pyvirtualcam.Camera(width=1280, height=720, fps=30)
    except RuntimeError as error:
        return Check("virtual camera", Verdict.ADVICE, str(error).splitlines()[0], how_to_install())
    camera.close()
    return Check("virtual camera", Verdict.OK, f"{camera.device} ({camera.backend})")


def loopback_devices() -> list[tuple[VirtualCamera, v4l2.Capability]]:
    """List the v4l2loopback devices of this Linux with what they offer now."""
    return [(camera, v4l2.report(camera.path).capabilities) for camera in virtual_cameras()]


def _use(can: v4l2.Capability) -> str:
    return {int(_OUTPUT): "free", int(_CAPTURE): "in use"}.get(int(can), "without exclusive_caps")


def _how_to_load_loopback() -> str:
    if not Path("/lib/modules", platform.release()).is_dir():
        return "No kernel modules here, so this is a container: load v4l2loopback outside and pass its /dev/videoN in."
    return how_to_install()


def check_microphones(found: "Sequence[SoundDevice] | SoundError") -> Check:
    """Say which microphones there are, or what PortAudio lacks."""
    if isinstance(found, SoundError):
        return Check("microphone", Verdict.ADVICE, "not known", f"{found} Without it, recordings have no sound.")
    if not found:
        advice = "Plug one in; until then recordings have no sound. In a container, pass /dev/snd in."
        return Check("microphone", Verdict.ADVICE, "none", advice)
    return Check("microphone", Verdict.OK, ", ".join(one.name for one in found if one.is_default) or found[0].name)


def check_encoders() -> Check:
    """Try the encoder that a stream of 720p would get; every one that is chosen has proved itself."""
    from mien.media.video.live_video import LiveVideo, VideoWish

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
    from mien.sinks.backends.srt import HOW_TO_INSTALL

    if program is None:
        return Check("SRT", Verdict.ADVICE, "not installed", f"Only needed for --sink srt://...: {HOW_TO_INSTALL}")
    return Check("SRT", Verdict.OK, "FFmpeg's program of imageio-ffmpeg")
