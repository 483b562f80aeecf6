"""Providers that are packages of their own, beside ONNX Runtime: registered once, then seen as devices."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from mien_models.runtimes.ort.card import card
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.packages import takes_rtx
from mien_models.runtimes.ort.providers import PROVIDERS

_MODULES: Final[Mapping[str, str]] = {PROVIDERS["tensorrt-rtx"]: "onnxruntime_ep_nv_tensorrt_rtx"}


@dataclass(frozen=True, slots=True)
class PlugIn:
    """What came of registering one."""

    devices: tuple[Any, ...] = ()
    """ONNX Runtime's, for `SessionOptions.add_provider_for_devices`; none where it does not run here."""
    fault: str = ""
    """Why there are none, in a few words; '' also where it is not installed."""


def plug_ins() -> Mapping[str, PlugIn]:
    """Give every plug-in provider that is installed, by ONNX Runtime's name for it."""
    installed = [name for name, module in _MODULES.items() if importlib.util.find_spec(module) is not None]
    return {name: plug_in(name) for name in installed}


@cache
def plug_in(provider: str) -> PlugIn:
    """Register one, which loads its libraries; ONNX Runtime keeps it for as long as the program runs."""
    library = cast("Any", onnxruntime)
    try:
        module: Any = importlib.import_module(_MODULES[provider])
        library.register_execution_provider_library(module.get_ep_name(), module.get_library_path())
    except Exception as error:  # noqa: BLE001 - whatever its package or its libraries raise is the finding
        return PlugIn(fault=_reason(error))
    devices = tuple(one for one in library.get_ep_devices() if one.ep_name == provider)
    return PlugIn(devices) if devices else PlugIn(fault=_no_device())


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    # ONNX Runtime puts the linker's own words last: a file's name, and that it cannot be opened.
    said = text[0].rpartition("with error: ")[2] if text else type(error).__name__
    name, colon, rest = said.partition(": cannot open shared object file")
    return f"{name} is missing" if colon else f"{name}{rest}"


def _no_device() -> str:
    here = card()
    if here is None:
        return "there is no NVIDIA card"
    if not takes_rtx(here.capability):
        number = ".".join(map(str, here.capability))
        return f"it takes cards of compute capability 8.6, 8.9 and from 12.0 on, and {here.name} has {number}"
    return f"it does not take {here.name} with the driver {here.driver}"
