"""Which providers of ONNX Runtime can really start here, and what keeps the others from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

from mien_models.runtimes.ort.card import GraphicsCard
from mien_models.runtimes.ort.libraries import DRIVER, file_name, missing
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.packages import (
    CUDA_LIBRARIES_LINE,
    DRIVER_OF_CUDA_13,
    TENSORRT_LINE,
    Package,
    package_for,
)
from mien_models.runtimes.ort.plug_ins import PlugIn, plug_ins
from mien_models.runtimes.ort.providers import ON_CUDA, PROVIDERS

_SHOWN: Final = 2
"""So many missing files are named."""


@dataclass(frozen=True, slots=True)
class Unready:
    """What keeps a provider from starting."""

    why: str
    """In a few words."""
    remedy: str = ""
    """What to do; '' where nothing can be done."""

    @property
    def sentence(self) -> str:
        """Both."""
        return f"{self.why}. {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Available:
    """What was found."""

    ready: tuple[str, ...]
    """Providers whose libraries are all there, as ONNX Runtime calls them."""
    unready: Mapping[str, Unready] = field(default_factory=dict[str, Unready])
    """Listed or installed, but not able to start."""


@cache
def available() -> Available:
    """Look around once; the answer does not change while a program runs."""
    listed = cast("Sequence[str]", cast("Any", onnxruntime).get_available_providers())
    return look(listed, missing, plug_ins())


def look(listed: Sequence[str], lacks: Callable[[str], Sequence[str]], plugged: Mapping[str, PlugIn]) -> Available:
    """Sort providers.

    Args:
        listed: what ONNX Runtime says it has; that a library of NVIDIA's is missing does not take one off this list.
        lacks: names the files that a provider misses.
        plugged: plug-in providers that are installed.
    """
    unready: dict[str, Unready] = {}
    for provider in listed:
        lacking = lacks(provider)
        if lacking:
            unready[provider] = Unready(_told(lacking), _remedy(provider, lacking))
    for provider, one in plugged.items():
        if not one.devices:
            unready[provider] = Unready(one.fault, _driver_line() if file_name(DRIVER) in one.fault else "")
    have = [*listed, *(provider for provider, one in plugged.items() if one.devices)]
    return Available(tuple(one for one in dict.fromkeys(have) if one not in unready), unready)


def idle_card(found: Available, here: GraphicsCard | None) -> str | None:
    """Say in plain words why the processor computes although a card could, and what to do; None where none is idle."""
    if any(provider in found.ready for provider in ON_CUDA):
        return None
    for name in ("tensorrt-rtx", "cuda"):
        why = found.unready.get(PROVIDERS[name])
        # Where nobody has a card, whoever installed a package for one need not hear of it with every run.
        if why is not None and (here is not None or name == "cuda"):
            return f"{_TITLES[name]} is listed, but the processor computes: {why.sentence}"
    if here is None:
        return None
    package = package_for(here)
    if not isinstance(package, Package):
        return f"The processor computes: {package}"
    return (
        f"{here.name} is here, but the processor computes: no package that runs networks on it is installed. "
        f"Install one: {package.line}"
    )


_TITLES: Final[Mapping[str, str]] = {"tensorrt-rtx": "TensorRT for RTX", "cuda": "CUDA"}


def _told(lacking: Sequence[str]) -> str:
    more = len(lacking) - _SHOWN
    names = ", ".join(lacking[:_SHOWN])
    return f"{names} {f'and {more} more ' if more > 0 else ''}{'is' if len(lacking) == 1 else 'are'} missing"


def _remedy(provider: str, lacking: Sequence[str]) -> str:
    if file_name(DRIVER) in lacking:
        return _driver_line()
    return f"Install them: {TENSORRT_LINE if provider == PROVIDERS['tensorrt'] else CUDA_LIBRARIES_LINE}"


def _driver_line() -> str:
    return f"Install NVIDIA's driver, {DRIVER_OF_CUDA_13} or newer; without an NVIDIA card, leave it as it is."
