"""EPContext models: an ONNX file that holds the engine of ONNX Runtime's TensorRT provider.

For programs that load it with ONNX Runtime; Mien itself refuses files that were compiled for one machine. Written from
ONNX Runtime's documentation; no card of ours has run it.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

from mien_export.engines.contracts import EngineBuilder, EngineError, Order, Told, installed
from mien_export.engines.versions import ort_refusal
from mien_models.runtimes.ort.library import onnxruntime

_PROVIDER: Final = "TensorrtExecutionProvider"


@dataclass(frozen=True, slots=True)
class EpContextBuilder:
    """Builds with ONNX Runtime for NVIDIA cards and the TensorRT 10 that it was made with."""

    package: str = "onnxruntime-gpu"
    needs_gpu: bool = True
    targets: tuple[str, ...] = ()

    def version(self) -> str | None:
        """Give what is installed."""
        return installed(self.package)

    def build(self, order: Order, told: Told) -> None:
        """Write an ONNX file with the engine in it.

        Raises:
            EngineError: the provider is not there, or TensorRT's version is not the one that it needs.
        """
        library = cast("Any", onnxruntime)
        refusal = ort_refusal(str(library.__version__), installed("tensorrt"))
        if refusal is not None:
            raise EngineError(refusal)
        if _PROVIDER not in library.get_available_providers():
            raise EngineError(f"ONNX Runtime has no {_PROVIDER} here; install onnxruntime-gpu in place of onnxruntime.")
        options = library.SessionOptions()
        options.add_provider(_PROVIDER, self._provider_options(order))
        told("building engine")
        compiler = library.ModelCompiler(options, str(order.model), embed_compiled_data_into_model=True)
        compiler.compile_to_file(str(order.engine))

    def _provider_options(self, order: Order) -> dict[str, str]:
        given: dict[str, str] = {"trt_engine_hw_compatible": "0"}
        if order.timing_cache is not None:
            given |= {"trt_timing_cache_enable": "1", "trt_timing_cache_path": str(order.timing_cache.parent)}
        return given


PLUGIN: Final[EngineBuilder] = EpContextBuilder()
