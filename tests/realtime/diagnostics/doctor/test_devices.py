"""What the doctor says of microphones, encoders and SRT."""

from mien.diagnostics.doctor.checks import Verdict
from mien.diagnostics.doctor.devices import check_encoders, check_microphones, check_srt
from mien.sound.devices import SoundDevice
from mien_models.errors import SoundError


def test_a_microphone_is_named_and_its_lack_is_advice() -> None:
    devices = [SoundDevice(0, "Webcam", "ALSA", 1, 48_000, False), SoundDevice(1, "Desk", "ALSA", 2, 48_000, True)]
    assert check_microphones(devices).found == "Desk"
    assert check_microphones([]).verdict is Verdict.ADVICE
    missing = check_microphones(SoundError("PortAudio is not installed."))
    assert missing.verdict is Verdict.ADVICE
    assert missing.advice.startswith("PortAudio is not installed.")


def test_an_encoder_works_here() -> None:
    found = check_encoders()
    assert found.verdict is Verdict.OK
    assert "FFmpeg need not be installed" in found.found


def test_srt_is_advice_where_its_program_is_missing() -> None:
    assert "imageio-ffmpeg" in check_srt(None).advice
    assert check_srt("/usr/bin/ffmpeg").verdict is Verdict.OK
