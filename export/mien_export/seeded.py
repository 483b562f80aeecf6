"""Checkpoints of random but sane weights: the reference where no trained one may be shipped."""

import re
from collections.abc import Mapping
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.contracts import Architecture, Network

LAST_COUNTER: Final = "num_batches_tracked"
"""What batch norms count while they are trained; it changes nothing that is computed."""
STYLE_GAIN: Final = 0.5
"""Deviation of what the identity's layers give."""
GAIN: Final = 1.0
"""Of a layer's numbers, squared: between 1 for layers that follow each other and 2 for those with a ReLU between."""


def seeded_checkpoint(
    architecture: Architecture, variant: str, seed: int, scale: Literal["tiny", "full"] = "tiny"
) -> tuple[Network, dict[str, Tensor]]:
    """Give a variant's network and weights for it, the same for the same seed.

    Returns:
        The network with its sizes, and its state: activations keep about their size from layer to layer, so that a
        picture that comes out is neither flat nor burnt out.
    """
    network = (architecture.tiny if scale == "tiny" else architecture.published)[variant]
    return network, seeded_state(network, seed)


def seeded_state(network: Network, seed: int) -> dict[str, Tensor]:
    """Give weights for a network with these sizes, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}
    core = network.build()
    transposed = {f"{name}.weight" for name, one in core.named_modules() if isinstance(one, nn.ConvTranspose2d)}
    for key, like in core.state_dict().items():
        if LAST_COUNTER in key:
            continue
        noise = torch.randn(*like.shape, generator=generator)
        if len(like.shape) > 1:
            state[key] = noise * _deviation(key, like, network, is_transposed=key in transposed)
        else:
            state[key] = _of_one_axis(key, noise, network)
    return state


def seeded_inputs(network: Network, seed: int, batch: int) -> dict[str, Tensor]:
    """Give smooth pictures with some noise, and vectors of the length that the network is used to, by input."""
    generator = torch.Generator().manual_seed(seed)
    given: dict[str, Tensor] = {}
    for port in network.inputs:
        if not port.has_batch:
            given[port.name] = torch.full(port.shape, 0.4)
        elif port.is_vector:
            vector = torch.randn(batch, *port.shape, generator=generator)
            given[port.name] = functional.normalize(vector) * network.source_norm
        elif port.is_bytes:
            given[port.name] = (_picture(batch, port.shape, generator) * 255).byte()
        else:
            given[port.name] = _picture(batch, port.shape, generator) * (1 - port.low) + port.low
    return given


def example(inputs: Mapping[str, Tensor], network: Network) -> tuple[Tensor, ...]:
    """Put inputs in the order in which the deployed module takes them."""
    return tuple(inputs[port.name] for port in network.inputs)


def _deviation(key: str, like: Tensor, network: Network, *, is_transposed: bool) -> float:
    if network.style_keys and re.search(network.style_keys, key):
        return STYLE_GAIN / network.source_norm
    # A transposed convolution of stride 2 adds a quarter of its kernel into each pixel.
    fan_in = like.numel() / like.shape[1] / 4 if is_transposed else like.numel() / like.shape[0]
    return float((GAIN / fan_in) ** 0.5)


def _of_one_axis(key: str, noise: Tensor, network: Network) -> Tensor:
    if key.endswith("running_var"):
        return 1 + 0.3 * noise.abs()
    is_scale = network.scale_keys and re.search(network.scale_keys, key)
    if key.endswith(("running_mean", "bias")) and not is_scale:
        return 0.1 * noise
    return 1 + 0.1 * noise


def _picture(batch: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Make 0..1 of coarse patches, a sixteenth of the side each, and a little noise."""
    channels, side = (shape[0], shape[1]) if shape[0] <= 4 else (shape[2], shape[0])
    coarse = torch.rand(batch, channels, side // 16, side // 16, generator=generator)
    smooth = functional.interpolate(coarse, scale_factor=16.0, mode="bilinear", align_corners=False)
    noise = torch.rand(batch, channels, side, side, generator=generator)
    picture = 0.9 * smooth + 0.1 * noise
    return picture if shape[0] <= 4 else picture.permute(0, 2, 3, 1)
