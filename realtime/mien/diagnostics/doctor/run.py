"""Every check in the order of the table."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mien.diagnostics.doctor import devices, machine, networks
from mien.diagnostics.doctor.checks import Check, Verdict
from mien_models.system.crash.edge import fault

_PACKAGES: Final = ("mien", "numpy", "opencv-python-headless", "ai-edge-litert", "onnxruntime", "av", "pyvirtualcam")


def examine() -> Iterator[Check]:
    """Give one check after the other; a check that fails of itself is a finding too."""
    for name, run in _EXAMINATION:
        try:
            yield from run()
        except Exception as error:  # noqa: BLE001 - the doctor must finish on the sickest machine
            found = str(fault(error, "could not be checked"))
            yield Check(name, Verdict.BROKEN, found, "Install again: uv sync --reinstall")


def _machine() -> Iterator[Check]:
    yield machine.check_system()
    yield machine.check_display()
    yield machine.check_room(Path.cwd())
    yield machine.check_memory_of_consents()


def _packages() -> Iterator[Check]:
    installed = machine.installed()
    yield machine.check_versions(installed, _PACKAGES)
    yield machine.check_onnxruntime(installed)
    yield machine.check_opencv(installed)


def _cameras() -> Iterator[Check]:
    from mien.media.devices.cameras import cameras as list_cameras

    yield devices.check_cameras(list_cameras())


def _virtual_camera() -> Iterator[Check]:
    if sys.platform == "linux":
        yield devices.check_virtual_camera(devices.loopback_devices())
    else:
        yield devices.check_desktop_virtual_camera()


def _sound() -> Iterator[Check]:
    from mien.sinks.backends.srt import ffmpeg_program
    from mien.sound.devices import microphones
    from mien_models.errors import SoundError

    try:
        yield devices.check_microphones(microphones())
    except SoundError as error:
        yield devices.check_microphones(error)
    yield devices.check_encoders()
    yield devices.check_srt(ffmpeg_program())


def _face_networks() -> Iterator[Check]:
    yield networks.check_face_networks()


def _graphics_card() -> Iterator[Check]:
    from mien.diagnostics.doctor.networks import check_card
    from mien_models.runtimes.ort.available import available
    from mien_models.runtimes.ort.card import card

    yield check_card(card(), available())


def _other_machines() -> Iterator[Check]:
    from mien.diagnostics.doctor.other_machines import check_other_machines

    yield from check_other_machines()


def _providers() -> Iterator[Check]:
    yield from networks.check_providers()


_EXAMINATION: Final[tuple[tuple[str, Callable[[], Iterator[Check]]], ...]] = (
    ("machine", _machine),
    ("packages", _packages),
    ("camera", _cameras),
    ("virtual camera", _virtual_camera),
    ("sound and streams", _sound),
    ("face networks", _face_networks),
    ("graphics card", _graphics_card),
    ("providers", _providers),
    ("other machines", _other_machines),
)
