"""Networks that share one state dict: which group of its keys is the one that is exported.

PyTorch Lightning saves a whole trainer: `generator.…` beside `generator_embedder.…`, `gazer.…` and losses that hold
networks of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

_DEEPEST: Final = 3
"""So many names may stand before a network's own keys."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of a state dict that are a network's."""

    prefix: str
    """What stands before each of them, with its dot; '' where they are the network's own."""
    keys: frozenset[str]
    """Without the prefix."""

    def of(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """Take its entries out of a state dict, by the network's own keys."""
        return {key: state[self.prefix + key] for key in sorted(self.keys)}


def prefixes_of(state: Mapping[str, object]) -> tuple[str, ...]:
    """Give every beginning of keys under which a network may stand, the shortest first: '', 'generator.', ..."""
    found = {""}
    for key in state:
        names = key.split(".")[:-1]
        found |= {".".join(names[:depth]) + "." for depth in range(1, min(len(names), _DEEPEST) + 1)}
    return tuple(sorted(found, key=lambda prefix: (prefix.count("."), prefix)))


def under(prefix: str, state: Mapping[str, Value]) -> dict[str, Value]:
    """Give what stands under a prefix, without it."""
    return {key.removeprefix(prefix): one for key, one in state.items() if key.startswith(prefix)}


def group_of(prefix: str, state: Mapping[str, object], wanted: frozenset[str]) -> Group:
    """Choose the keys under a prefix that are a network's.

    What stands there under other first names is another network's; a key that shares a first name with the network is
    kept although the network has none of that name, so that it is missed nowhere.
    """
    first_names = {key.partition(".")[0] for key in wanted}
    inner = [key.removeprefix(prefix) for key in state if key.startswith(prefix)]
    return Group(prefix, frozenset(key for key in inner if key.partition(".")[0] in first_names))


def left_out(group: Group, state: Mapping[str, object]) -> tuple[str, ...]:
    """Name what else stands in a state dict, by the first names of its keys, beside the group's prefix or in it."""
    taken = {group.prefix + key for key in group.keys}
    return tuple(sorted({_told(key, group.prefix) for key in state if key not in taken}))


def _told(key: str, prefix: str) -> str:
    inner = key.removeprefix(prefix) if key.startswith(prefix) else key
    first = inner.partition(".")[0]
    return f"{prefix}{first}" if key.startswith(prefix) else first
