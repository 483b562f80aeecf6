"""`mien devices`: the cameras of this machine, how to name each, and what each can send."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from mien.media.devices.cameras import Camera, VirtualCamera, cameras, default_camera, modes_of, virtual_cameras
from mien.media.devices.modes import ModeWish, VideoMode, choose_mode
from mien.remote.machines import Machines, machines_near
from mien.sound.devices import SoundDevice, microphones, speakers
from mien_models.errors import SoundError
from mien_models.system.printable import json_text

if TYPE_CHECKING:
    from rich.table import Table

_MOST_SIZES: Final = 8
_MOST_FORMATS: Final = 3

NO_CAMERA: Final = (
    "No camera was found. Plug one in, or use the network camera of a phone (--camera http://...), a file, "
    "or --camera synthetic."
)
_NO_CAMERA_ON: Final = {
    "linux": "In a container or a virtual machine, pass /dev/video0 in.",
    "darwin": "Allow the terminal to use the camera: System Settings, Privacy & Security, Camera.",
    "win32": "Allow desktop apps to use the camera: Settings, Privacy & security, Camera.",
}
NO_MACHINE: Final = (
    "No machine in this network answers. Start 'mien serve' on the other one; where the network hides them from one "
    "another, name it: --remote HOST."
)
_NEAR_S: Final = 2.0
DENIED: Final = "This user may not open {names}. Run 'sudo usermod -aG video $USER', then log out and in again."


@dataclass(frozen=True, slots=True)
class DeviceList:
    """Every camera with its modes, and every virtual camera that can be written to."""

    cameras: Sequence[Camera]
    modes: Mapping[str, Sequence[VideoMode]] = field(default_factory=dict[str, Sequence[VideoMode]])
    """By the camera's path."""
    virtual: Sequence[VirtualCamera] = ()
    microphones: Sequence[SoundDevice] = ()
    speakers: Sequence[SoundDevice] = ()
    without_sound: str = ""
    """Why no microphone can be listed; '' where they can."""
    machines: Sequence["NearMachine"] | None = None
    """Those that swap for others; None where nobody asked for them."""


@dataclass(frozen=True, slots=True)
class NearMachine:
    """A machine that swaps for others."""

    name: str
    address: str
    """As after `--remote`."""
    answers: bool
    """Whether it was heard in this network just now."""
    is_paired: bool


def show_devices(as_json: bool, *, asks_network: bool = False) -> None:
    """Print the devices: a table for people, or JSON; with the machines that swap for others, where they are asked."""
    found = cameras()
    heard, played, why = _sound_devices()
    modes = {camera.path: modes_of(camera) for camera in found}
    near = machines_nearby() if asks_network else None
    listed = DeviceList(found, modes, virtual_cameras(), heard, played, why, near)
    if as_json:
        print(json_text(as_data(listed)))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if listed.cameras:
        console.print(camera_table(listed))
    if listed.virtual:
        console.print(virtual_table(listed))
    if listed.microphones:
        console.print(sound_table(listed.microphones, "Microphones", "--microphone", "used when none is named"))
    if listed.speakers:
        console.print(sound_table(listed.speakers, "Output devices", "--microphone-out", "the system's own"))
    if listed.machines:
        console.print(machine_table(listed.machines))
    for sentence in advice(listed):
        print(sentence, file=sys.stderr)


def machines_nearby() -> tuple["NearMachine", ...]:
    """Ask this network for machines that swap; those that were paired with are listed wherever they are."""
    known = Machines().known()
    found = {str(address): name for name, address in machines_near(_NEAR_S)}
    named = found | {one.address: one.name for one in known}
    paired = {one.address for one in known}
    return tuple(NearMachine(name, at, at in found, at in paired) for at, name in sorted(named.items()))


def as_data(listed: DeviceList) -> dict[str, object]:
    """Give what JSON shows; `is_default` is the camera that is used when none is named."""
    default = default_camera(listed.cameras)
    data: dict[str, object] = {
        "cameras": [
            {
                "name": camera.name,
                "number": camera.number,
                "address": camera.address,
                "path": camera.path,
                "usb_id": camera.usb_id,
                "is_virtual": camera.is_virtual,
                "is_denied": camera.is_denied,
                "is_default": camera is default,
                "modes": [
                    {"format": m.fourcc, "width": m.width, "height": m.height, "fps": float(m.fps) if m.fps else None}
                    for m in listed.modes.get(camera.path, ())
                ],
            }
            for camera in listed.cameras
        ],
        "microphones": _sound_data(listed.microphones),
        "output_devices": _sound_data(listed.speakers),
        "virtual_cameras": [{"name": device.name, "path": device.path} for device in listed.virtual],
    }
    if listed.machines is not None:
        data["machines"] = [asdict(one) for one in listed.machines]
    return data


def camera_table(listed: DeviceList) -> "Table":
    """Draw the cameras, a row each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title="Cameras", title_justify="left", show_lines=False)
    table.add_column("Name")
    table.add_column("--camera", overflow="fold")
    table.add_column("Sizes, with the highest rate of each format", overflow="fold")
    default = default_camera(listed.cameras)
    for camera in listed.cameras:
        modes = listed.modes.get(camera.path, ())
        name = camera.name + "".join(f"\n({note})" for note in _notes(camera, is_default=camera is default))
        addresses = "\n".join(dict.fromkeys((str(camera.number), camera.address, camera.path)))
        # Text, not markup: a camera may be called "[red]".
        table.add_row(Text(name), Text(addresses), Text("\n".join(_size_lines(modes))))
    return table


def virtual_table(listed: DeviceList) -> "Table":
    """Draw the virtual cameras, a row each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title="Virtual cameras", title_justify="left")
    table.add_column("Name")
    table.add_column("--sink")
    for device in listed.virtual:
        table.add_row(Text(device.name), Text(f"virtualcam:{device.path}"))
    return table


def sound_table(devices: Sequence[SoundDevice], title: str, flag: str, of_default: str) -> "Table":
    """Draw microphones or output devices, a row each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("Name")
    table.add_column(flag)
    for device in devices:
        note = f"\n({of_default})" if device.is_default else ""
        table.add_row(Text(device.name + note), Text(f"{device.number}\n{device.name}"))
    return table


def machine_table(machines: Sequence[NearMachine]) -> "Table":
    """Draw the machines that swap for others, a row each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title="Machines that swap", title_justify="left")
    table.add_column("Name")
    table.add_column("--remote")
    table.add_column("")
    for one in machines:
        notes = ["paired" if one.is_paired else "not paired yet: --pair CODE"]
        notes += [] if one.answers else ["not heard in this network"]
        table.add_row(Text(one.name), Text(one.address), Text(", ".join(notes)))
    return table


def _sound_data(devices: Sequence[SoundDevice]) -> list[dict[str, object]]:
    return [
        {"name": one.name, "number": one.number, "rate_hz": one.rate_hz, "is_default": one.is_default}
        for one in devices
    ]


def _sound_devices() -> tuple[tuple[SoundDevice, ...], tuple[SoundDevice, ...], str]:
    try:
        heard, played = microphones(), speakers()
    except SoundError as error:
        return (), (), str(error)
    return heard, played, "" if heard else "No microphone was found; --microphone none records without one."


def advice(listed: DeviceList) -> list[str]:
    """Say what to do when there is no camera, or one that may not be opened."""
    denied = [camera.path for camera in listed.cameras if camera.is_denied]
    sentences = [DENIED.format(names=" and ".join(denied))] if denied else []
    if not any(not camera.is_virtual for camera in listed.cameras):
        sentences.append(f"{NO_CAMERA} {_NO_CAMERA_ON.get(sys.platform, '')}".strip())
    if listed.machines is not None and not listed.machines:
        sentences.append(NO_MACHINE)
    return [*sentences, *filter(None, [listed.without_sound])]


def _notes(camera: Camera, *, is_default: bool) -> list[str]:
    facts = {
        "used when none is named": is_default,
        "virtual": camera.is_virtual,
        "access denied": camera.is_denied,
    }
    return [note for note, is_so in facts.items() if is_so]


def _size_lines(modes: Sequence[VideoMode]) -> list[str]:
    """Give a line for each size, largest first, and one for the mode that is asked for."""
    chosen = choose_mode(modes, ModeWish())
    if chosen is None:
        return ["not told by this system"] if not modes else ["no format that can be read"]
    sizes = sorted({(mode.width, mode.height) for mode in modes}, key=lambda size: -size[0] * size[1])
    lines = [f"{width}x{height}  {_rates(modes, width, height)}" for width, height in sizes[:_MOST_SIZES]]
    if len(sizes) > _MOST_SIZES:
        lines.append(f"and {len(sizes) - _MOST_SIZES} smaller ones")
    return [*lines, f"asked for: {chosen}"]


def _rates(modes: Sequence[VideoMode], width: int, height: int) -> str:
    highest: dict[str, float] = {}
    for mode in modes:
        if (mode.width, mode.height) == (width, height):
            highest[mode.fourcc] = max(highest.get(mode.fourcc, 0.0), float(mode.fps or 0))
    fastest = sorted(highest.items(), key=lambda pair: -pair[1])
    shown = [f"{fourcc} {fps:.4g}" if fps else fourcc for fourcc, fps in fastest[:_MOST_FORMATS]]
    return ", ".join(shown) + (f" and {len(fastest) - _MOST_FORMATS} more formats" if len(fastest) > 3 else "")
