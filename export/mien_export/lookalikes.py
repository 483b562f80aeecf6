"""What is said of a checkpoint that no architecture recognises: which one comes nearest, and where it differs."""

import re
from collections.abc import Mapping
from typing import Final

from mien_export.contracts import Architecture, Network, Shapes
from mien_export.seeded import LAST_COUNTER
from mien_models.system.near_miss import near_miss

_SHOWN: Final = 4
_ALIKE: Final = 0.7
"""Keys of one kind differ in a few letters; less says nothing."""


def network_keys(network: Network) -> frozenset[str]:
    """Name the tensors that a network's checkpoint holds, without giving them memory."""
    import torch

    with torch.device("meta"):
        state = network.build().state_dict()
    return frozenset(key for key in state if LAST_COUNTER not in key)


def unknown_told(shapes: Shapes, asked: Mapping[str, Architecture]) -> str:
    """Say what would have been expected, which network comes nearest and which keys it lacks or has too many."""
    known = {
        f"{name} ({variant})": network_keys(network)
        for name, architecture in asked.items()
        for variant, network in architecture.published.items()
    }
    expected = f"The checkpoint should be of one of {', '.join(asked)}"
    way_out = "Name another network with --arch package.module:Class and --manifest."
    keys = frozenset(shapes)
    nearest = max(known, key=lambda told: _likeness(keys, known[told]))
    if _likeness(keys, known[nearest]) == 0:
        return f"{expected}, but its {len(shapes)} keys, {_some(sorted(shapes))}, are near none of them. {way_out}"
    wanted = known[nearest]
    pairs = _pairs(sorted(keys - wanted), sorted(wanted - keys))
    missing = sorted(wanted - keys - set(pairs.values()))
    return (
        f"{expected}, but no one's keys are all there. The nearest is {nearest}: {len(wanted & keys)} of its "
        f"{len(wanted)} keys are among the checkpoint's {len(shapes)}"
        f"{_listed('; it has', [f'{has} for {wants}' for has, wants in pairs.items()])}"
        f"{_listed('; it lacks', missing)}. {way_out}"
    )


def _likeness(keys: frozenset[str], wanted: frozenset[str]) -> float:
    """Give the share of keys in common, and a little for the share of words in common where there is none."""
    return _share(keys, wanted) + 0.1 * _share(_words(keys), _words(wanted))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _words(keys: frozenset[str]) -> frozenset[str]:
    """Take the names out of keys; what every network has tells nothing."""
    words = {re.sub(r"\d+", "", word) for key in keys for word in key.split(".")}
    return frozenset(words - {"", "weight", "bias", "running_mean", "running_var"})


def _pairs(unknown: list[str], wanted: list[str]) -> dict[str, str]:
    """Put a few of the keys that are not known beside those that they look like."""
    found: dict[str, str] = {}
    for key in unknown[:200]:
        near = near_miss(key, wanted, _ALIKE)
        if near is not None and near not in found.values():
            found[key] = near
        if len(found) == _SHOWN:
            break
    return found


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (" and others" if len(keys) > _SHOWN else "")


def _listed(head: str, keys: list[str]) -> str:
    return f"{head} {_some(keys)}" if keys else ""
