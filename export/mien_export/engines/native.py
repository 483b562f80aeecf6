"""What TensorRT, in its versions 10 and 11, and TensorRT-RTX have in common: parse, choose shapes, build.

Written from NVIDIA's Python API reference. With TensorRT-RTX it is run by the tests; with TensorRT 10 and 11, which
need a graphics card, only against fakes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mien_export.engines.contracts import EngineError, Order, Told

_WORKSPACE_BYTES: Final = 2 << 30
Configure = Callable[[Any, Any], None]
"""Takes the builder's configuration and the parsed network, before it is built."""


def build_native(library: Any, order: Order, told: Told, configure: Configure) -> bytes:  # noqa: ANN401 - no types
    """Build an engine.

    Args:
        library: `tensorrt` or `tensorrt_rtx`.
        order: what of.
        told: told each phase.
        configure: sets what is this library's own.

    Raises:
        EngineError: the model does not parse, or the build failed; with the library's own words.
    """
    logger = _logger(library)
    builder = library.Builder(logger)
    network = builder.create_network(_strongly_typed(library))
    parser = library.OnnxParser(network, logger)
    if not parser.parse(order.model.read_bytes()):
        said = "; ".join(str(parser.get_error(place).desc()) for place in range(parser.num_errors))
        raise EngineError(f"{order.model.name!r} should be a network that {library.__name__} takes, but: {said}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(library.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    config.add_optimization_profile(_profile(builder, network, order.largest_batch))
    config.progress_monitor = _monitor(library, told)
    configure(config, network)
    cache = _timing_cache(config, order.timing_cache)
    built = builder.build_serialized_network(network, config)
    if built is None:
        raise EngineError(f"{library.__name__} built nothing of {order.model.name!r}; its last words are above.")
    if cache is not None and order.timing_cache is not None:
        order.timing_cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    return bytes(built)


def _strongly_typed(library: Any) -> int:  # noqa: ANN401
    """Say that precision is what stands in the graph. From TensorRT 11 on nothing else exists, and no flag either."""
    flag = getattr(library.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _profile(builder: Any, network: Any, largest: int) -> Any:  # noqa: ANN401
    """Let the batch go from one to the largest, at its best with one: a face at a time is what a camera gives."""
    profile = builder.create_optimization_profile()
    for place in range(network.num_inputs):
        tensor = network.get_input(place)
        shape = tuple(tensor.shape)
        if -1 not in shape[:1]:
            continue
        if -1 in shape[1:]:
            raise EngineError(f"{tensor.name!r} is {shape}; only the number of pictures may be free. Export it anew.")
        profile.set_shape(tensor.name, (1, *shape[1:]), (1, *shape[1:]), (largest, *shape[1:]))
    return profile


def _timing_cache(config: Any, path: Path | None) -> Any:  # noqa: ANN401
    if path is None:
        return None
    cache = config.create_timing_cache(path.read_bytes() if path.exists() else b"")
    # A cache of another card or version is left out by the library, not obeyed.
    config.set_timing_cache(cache, ignore_mismatch=False)
    return cache


def _logger(library: Any) -> Any:  # noqa: ANN401
    return library.Logger(library.Logger.WARNING)


def _monitor(library: Any, told: Told) -> Any:  # noqa: ANN401
    """Make what the library calls while it builds: it tells each phase once."""

    class Monitor(library.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:  # noqa: ARG002
            told(phase_name.lower())

        def step_complete(self, phase_name: str, step: int) -> bool:  # noqa: ARG002
            return True

        def phase_finish(self, phase_name: str) -> None:
            pass

    return Monitor()
