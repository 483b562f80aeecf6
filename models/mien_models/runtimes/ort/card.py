"""The NVIDIA card that is here, as its driver tells."""

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Final

_FIELDS: Final = "name,compute_cap,driver_version,memory.total"
_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class GraphicsCard:
    """The first one."""

    name: str
    capability: tuple[int, int]
    """Compute capability, such as (8, 6): what the card's processors can do, by generation."""
    driver: str
    memory_mb: int
    """In MiB, as the driver counts."""

    @property
    def driver_major(self) -> int:
        """The number that says which CUDA the driver carries."""
        return int(self.driver.split(".")[0])


@cache
def card() -> GraphicsCard | None:
    """Ask the driver; None where there is no NVIDIA card. The answer does not change while a program runs."""
    question = ["nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return read_card(done.stdout)


def read_card(answer: str) -> GraphicsCard | None:
    """Read the first line of what nvidia-smi says; None where it is no card's."""
    words = [word.strip() for word in answer.strip().partition("\n")[0].split(",")]
    try:
        name, capability, driver, memory = words
        major, minor = capability.split(".")
        return GraphicsCard(name, (int(major), int(minor)), driver, int(memory))
    except ValueError:
        return None
