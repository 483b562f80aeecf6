"""What the checkpoint's network gives in torch: in full precision, and exactly, in double, where that is asked for."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mien_export.contracts import Network
from mien_export.proof.pixels import Numbers

Reference = Callable[[], nn.Module]
"""Makes the deployed module; it is let go between two uses, since a file that runs needs as much memory again."""


def run_torch(module: nn.Module, network: Network, inputs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Give every output of a module by its port."""
    given = [torch.from_numpy(inputs[port.name]) for port in network.inputs]
    with torch.inference_mode():
        answer: Any = module(*given)
    return _by_port(answer, network)


def run_counted(module: nn.Module, network: Network, inputs: Mapping[str, Numbers]) -> tuple[dict[str, Numbers], float]:
    """Give every output, and how many multiplications and additions it took, in units of 1e9 (GMAC)."""
    given = [torch.from_numpy(inputs[port.name]) for port in network.inputs]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        answer: Any = module(*given)
    return _by_port(answer, network), counter.get_total_flops() / 2e9


def run_exactly(module: nn.Module, network: Network, inputs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Give every output as computed with 53 bits instead of 24; the module is as before when this returns."""
    given = [torch.from_numpy(inputs[port.name]).double() for port in network.inputs]
    with torch.no_grad(), _in_double(module):
        answer: Any = module(*given)
    return _by_port(answer, network)


def _by_port(answer: Any, network: Network) -> dict[str, Numbers]:  # noqa: ANN401 - a tensor or several
    outputs: Sequence[Any] = [answer] if isinstance(answer, torch.Tensor) else list(answer)
    return {
        port.name: np.asarray(one.detach().numpy(), np.float32)
        for port, one in zip(network.outputs, outputs, strict=True)
    }


@contextmanager
def _in_double(module: nn.Module) -> Generator[None, None, None]:
    """Let each layer compute in double, and take the memory for that only while it does."""
    hooks = [hook for one in module.modules() for hook in _hooks_of(one)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _hooks_of(layer: nn.Module) -> list[Any]:
    numbers: Any = layer
    own = dict(numbers._parameters), dict(numbers._buffers)  # noqa: SLF001 - torch has no other way to exchange them

    def before(_module: nn.Module, _arguments: object) -> None:
        for place, kept in ((numbers._parameters, own[0]), (numbers._buffers, own[1])):  # noqa: SLF001
            place.update({name: _doubled(one) for name, one in kept.items()})

    def after(_module: nn.Module, _arguments: object, _answer: object) -> None:
        numbers._parameters.update(own[0])  # noqa: SLF001
        numbers._buffers.update(own[1])  # noqa: SLF001

    if not (own[0] or own[1]):
        return []
    return [numbers.register_forward_pre_hook(before), numbers.register_forward_hook(after, always_call=True)]


def _doubled(one: Any) -> Any:  # noqa: ANN401 - a tensor, a parameter or None
    if one is None or not one.is_floating_point():
        return one
    exact = one.detach().double()
    return nn.Parameter(exact, requires_grad=False) if isinstance(one, nn.Parameter) else exact
