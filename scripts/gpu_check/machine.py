"""The machine, as it says of itself; with the standard library alone."""

import ctypes
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FIELDS: Final = "name,compute_cap,driver_version,memory.total,power.limit,clocks.max.sm"
_NONE: Final = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found."""

    card: str
    """'' without one."""
    capability: str
    """Compute capability, such as '9.0'."""
    driver: str
    driver_cuda: str
    """The newest CUDA that the driver runs."""
    memory_mb: int
    card_line: str
    """All that nvidia-smi was asked."""
    python: str
    system: str
    cores: int
    libraries: tuple[str, ...]
    """Where NVIDIA's libraries lie that pip has installed."""

    @property
    def takes_rtx(self) -> bool:
        """Whether the plug-in for TensorRT-RTX 0.5 lets this card in: 8.6, 8.9, and from 12.0 on."""
        major, _, minor = self.capability.partition(".")
        number = int(major or 0) * 10 + int(minor or 0)
        return number in {86, 89} or number >= 120


def look() -> Machine:
    """Ask the driver and the system."""
    line = _smi()
    words = [word.strip() for word in line.split(",")] if line else [_NONE] * 4
    return Machine(
        card=words[0],
        capability=words[1],
        driver=words[2],
        driver_cuda=_driver_cuda(),
        memory_mb=int(words[3]) if words[3].isdigit() else 0,
        card_line=line,
        python=platform.python_version(),
        system=platform.platform(),
        cores=os.cpu_count() or 1,
        libraries=tuple(str(one) for path in sys.path if path for one in sorted(Path(path).glob("nvidia/*/lib"))),
    )


def told(machine: Machine) -> dict[str, Any]:
    """Give all of it, ready for JSON."""
    return {name: getattr(machine, name) for name in Machine.__dataclass_fields__}


def _smi() -> str:
    command = ["nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return _NONE
    return done.stdout.strip().partition("\n")[0]


def _driver_cuda() -> str:
    try:
        library = ctypes.CDLL("libcuda.so.1")
        number = ctypes.c_int()
        library.cuDriverGetVersion(ctypes.byref(number))
    except (OSError, AttributeError):
        return _NONE
    return f"{number.value // 1000}.{number.value % 1000 // 10}"
