"""Which architecture a checkpoint is of: found by its key names and shapes, or named by the user."""

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from mien_export.contracts import ARCHITECTURES, Architecture, Network, Shapes
from mien_export.custom import custom_network
from mien_export.seeded import LAST_COUNTER
from mien_models.errors import MienError
from mien_models.family import UNKNOWN_TERMS
from mien_models.spec import Terms


class RecogniseError(MienError):
    """A checkpoint of no known architecture, or not of the one that was named."""


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a checkpoint is."""

    network: Network
    name: str
    terms: Terms
    """Of the weights that are usually found in this shape."""


def network_for(
    state: Mapping[str, Tensor], arch: str | None = None, *, manifest: Path | None = None, size_px: int | None = None
) -> Found:
    """Find the network that a checkpoint is of, with its sizes.

    Args:
        state: as `read_checkpoint` gave it.
        arch: an architecture's name, or `package.module:Class` of one that Mien does not know; None to find it.
        manifest: for `package.module:Class`, the TOML file that says what it takes and gives; see `custom`.
        size_px: the side of the crop, for architectures whose weights serve several.

    Raises:
        RecogniseError: no architecture fits, several do, or the named one does not.
        UnknownPluginError: no architecture has that name.
    """
    if arch is not None and ":" in arch:
        return Found(custom_network(arch, manifest), arch, UNKNOWN_TERMS)
    if manifest is not None:
        raise RecogniseError("--manifest describes a class of your own; name it with --arch package.module:Class.")
    shapes = {key: tuple(one.shape) for key, one in state.items() if LAST_COUNTER not in key}
    asked = (arch,) if arch is not None else ARCHITECTURES.names()
    loaded = {name: ARCHITECTURES.load(name) for name in asked}
    found = {name: network for name, one in loaded.items() if (network := one.recognise(shapes)) is not None}
    if len(found) != 1:
        raise RecogniseError(_unknown(shapes, loaded, tuple(found)))
    name, network = next(iter(found.items()))
    return Found(_sized(network, name, size_px), name, loaded[name].terms)


def _sized(network: Network, name: str, size_px: int | None) -> Network:
    if size_px is None:
        return network
    if not dataclasses.is_dataclass(network) or "size_px" not in {one.name for one in dataclasses.fields(network)}:
        raise RecogniseError(f"The crop's side of {name} is in its weights; leave --size away.")
    sizes = sorted({port.shape[1] for one in ARCHITECTURES.load(name).published.values() for port in one.inputs[:1]})
    if size_px not in sizes:
        raise RecogniseError(f"{name} takes crops of {' or '.join(map(str, sizes))} px, not of {size_px}.")
    resized: Network = dataclasses.replace(network, size_px=size_px)
    return resized


def _unknown(shapes: Shapes, asked: Mapping[str, Architecture], found: tuple[str, ...]) -> str:
    """Say what would have been expected, and which architecture comes nearest."""
    if found:
        return f"The checkpoint may be of {' or '.join(found)}; say which with --arch."
    told: list[tuple[float, str]] = []
    for name, architecture in asked.items():
        for variant, network in architecture.published.items():
            keys = network_keys(network)
            common = len(keys & shapes.keys()) / max(1, len(keys | shapes.keys()))
            told.append((common, f"{name} ({variant}), of which {common:.0%} of the keys agree"))
    share, nearest = max(told)
    seen = ", ".join(sorted(shapes)[:5])
    expected = "; ".join(f"{name}: {_first_key(one)}" for name, one in asked.items())
    hint = f" The nearest is {nearest}." if share > 0 else f" {_lookalike(shapes, asked)}"
    return (
        f"The checkpoint should be of one of {', '.join(asked)}, but its {len(shapes)} keys begin with {seen}.{hint} "
        f"Each expects, for instance: {expected}. Name another network with --arch package.module:Class and --manifest."
    )


def network_keys(network: Network) -> frozenset[str]:
    """Name the tensors that a network's checkpoint holds, without giving them memory."""
    import torch

    with torch.device("meta"):
        state = network.build().state_dict()
    return frozenset(key for key in state if LAST_COUNTER not in key)


def _first_key(architecture: Architecture) -> str:
    return min(network_keys(next(iter(architecture.published.values()))))


def _lookalike(shapes: Shapes, asked: Mapping[str, Architecture]) -> str:
    firsts = {_first_key(one): name for name, one in asked.items()}
    near = difflib.get_close_matches(min(shapes, default=""), firsts, n=1)
    return f"The nearest by its names is {firsts[near[0]]}." if near else "None of them is near."
