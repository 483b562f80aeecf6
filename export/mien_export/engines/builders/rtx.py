"""TensorRT for RTX: engines for several kinds of cards at once, built without one.

Cards compile the last step when they first run an engine, in seconds, and keep it in a runtime cache beside it.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mien_export.engines.contracts import EngineBuilder, Order, Told, installed
from mien_export.engines.native import build_native

_CAPABILITIES: Final[Mapping[str, str]] = {
    "sm75": "SM75",
    "sm80": "SM80",
    "sm86": "SM86",
    "sm89": "SM89",
    "sm120": "SM120",
    "sm121": "SM121",
}
"""Turing (RTX 20), A100, Ampere (RTX 30), Ada (RTX 40), Blackwell (RTX 50), DGX Spark."""


@dataclass(frozen=True, slots=True)
class RtxBuilder:
    """Builds with the package `tensorrt_rtx`."""

    package: str = "tensorrt-rtx-cu13"
    needs_gpu: bool = False
    targets: tuple[str, ...] = tuple(_CAPABILITIES)

    def version(self) -> str | None:
        """Give what is installed."""
        return installed(self.package)

    def build(self, order: Order, told: Told) -> None:
        """Write an engine for the targets; without any, for every card from Ampere on."""
        library: Any = importlib.import_module("tensorrt_rtx")

        def configure(config: Any, network: Any) -> None:  # noqa: ANN401, ARG001 - the contract
            config.num_compute_capabilities = len(order.targets)
            for place, target in enumerate(order.targets):
                config.set_compute_capability(getattr(library.ComputeCapability, _CAPABILITIES[target]), place)

        keep = configure if order.targets else _as_it_is
        order.engine.write_bytes(build_native(library, order, told, keep))


def _as_it_is(config: Any, network: Any) -> None:  # noqa: ANN401 - the contract
    """Leave the library's own choice: 8.0, 8.6, 8.9 and 12.0."""


PLUGIN: Final[EngineBuilder] = RtxBuilder()
