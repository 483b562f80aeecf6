"""TensorRT 10 and 11, for the card that is here. Written from its documentation; no card of ours has run it.

Versions 10 and 11 differ in what they no longer have: 11 knows no precision flags, so none is used with either, and
precision is what stands in the ONNX file.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Final

from mien_export.engines.contracts import EngineBuilder, EngineError, Order, Told, installed
from mien_export.engines.native import build_native

_AMPERE_AND_LATER: Final = "ampere+"


@dataclass(frozen=True, slots=True)
class TensorrtBuilder:
    """Builds with the package `tensorrt`."""

    package: str = "tensorrt"
    needs_gpu: bool = True
    targets: tuple[str, ...] = (_AMPERE_AND_LATER,)
    """Any card from Ampere on, somewhat slower; else the card that is here."""

    def version(self) -> str | None:
        """Give what is installed."""
        return installed(self.package)

    def build(self, order: Order, told: Told) -> None:
        """Write an engine for this card, or for every card from Ampere on."""
        library: Any = importlib.import_module("tensorrt")
        major = int(str(library.__version__).split(".")[0])
        if major not in (10, 11):
            raise EngineError(f"TensorRT 10 or 11 is needed, but {library.__version__} is installed.")

        def configure(config: Any, network: Any) -> None:  # noqa: ANN401, ARG001 - the contract
            if _AMPERE_AND_LATER in order.targets:
                config.hardware_compatibility_level = library.HardwareCompatibilityLevel.AMPERE_PLUS

        order.engine.write_bytes(build_native(library, order, told, configure))


PLUGIN: Final[EngineBuilder] = TensorrtBuilder()
