"""Finds a network's weights in what a training program saved: averaged ones before the last step's.

Training programs wrap the state dict in dictionaries of their own, in `DataParallel` or `torch.compile`, keep an
exponential moving average (EMA) beside it, and put optimisers and a discriminator into the same file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeGuard, cast

from torch import Tensor

from mien_export.checkpoint.errors import CheckpointError

State: TypeAlias = dict[str, Tensor]

AVERAGED: Final = ("ema", "_avg", "averaged", "shadow")
"""Parts of the names under which averaged weights are kept."""
TRAINED: Final = (
    "generator",
    "netg",
    "net_g",
    "g",
    "gen",
    "params",
    "state_dict",
    "model_state_dict",
    "model",
    "online_model",
    "network",
    "net",
    "module",
    "weights",
    "student",
)
"""Names, in small letters, under which the network itself is kept; the first counts."""
HELPERS: Final = ("optim", "sched", "scaler", "disc", "netd", "net_d", "d_", "opt_", "loss", "teacher", "lpips", "vgg")
"""Beginnings of the names of what is needed for training only."""
_HELPER_NAMES: Final = frozenset({"d", "opt"})
_WRAPPERS: Final = ("module.", "_orig_mod.")
"""What `DataParallel` and `torch.compile` write before each key."""
_OPTIMISER: Final = "optimiser"
"""What an optimiser's state is called where its place has no name."""
_COUNTERS: Final = frozenset({"n_averaged", "initted", "step"})
"""What programs that average weights keep beside them."""
_DEPTH: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """The weights, and where in the file they stood."""

    state: State
    taken_from: str


def weights_of(content: object, name: str) -> Taken:
    """Find the weights in what a file held.

    Args:
        content: what `torch.load` gave.
        name: what to call the file in messages.

    Raises:
        CheckpointError: it holds no tensors by name.
    """
    states = dict(_states(content, ()))
    if not states:
        raise CheckpointError(
            f"{name!r} should hold a network's weights by name, but holds {_described(content)}. Give another file."
        )
    siblings = _parts_of_one(states)
    if siblings is not None:
        return siblings
    path = min(states, key=lambda one: (_rank(one), -len(states[one])))
    if _rank(path)[0] == _HELPER_RANK:
        raise CheckpointError(
            f"{name!r} holds weights only of what is needed for training: {', '.join(map(_told, states))}. "
            "Give the file that holds the network's."
        )
    taken = _unwrapped(states[path], _told(path))
    return _filled(taken, path, states)


def is_state(content: object) -> TypeGuard[Mapping[str, object]]:
    """Tell a state dict: names to tensors, perhaps with a few other things between them."""
    if not isinstance(content, Mapping):
        return False
    entries = cast("Mapping[object, object]", content)
    return any(isinstance(one, Tensor) and key not in _COUNTERS for key, one in entries.items()) and all(
        isinstance(key, str) for key in entries
    )


def _states(content: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], State]]:
    """Walk to every state dict, and give it with the keys that lead to it."""
    if not isinstance(content, Mapping) or len(path) > _DEPTH:
        return
    entries = cast("Mapping[object, object]", content)
    if "param_groups" in entries:
        # An optimiser: its moments have the shapes of weights.
        yield path if path and _is_helper(path[-1]) else (*path, _OPTIMISER), {}
        return
    if is_state(entries):
        tensors = {key: one for key, one in entries.items() if isinstance(one, Tensor) and key not in _COUNTERS}
        yield from _split(tensors, path)
    for key, one in entries.items():
        yield from _states(one, (*path, str(key)))


def _split(state: State, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], State]]:
    """Take networks apart that share one state dict under names that only training programs use."""
    groups = {key.partition(".")[0] for key in state if "." in key}
    alone = [key for key in state if "." not in key]
    # One name before every key is the network's own attribute; several are networks beside each other.
    if alone or len(groups) < 2 or not all(_rank((group,))[0] < _OTHER_RANK or _is_helper(group) for group in groups):
        yield path, state
        return
    for group in sorted(groups):
        inner = {key.removeprefix(f"{group}."): one for key, one in state.items() if key.startswith(f"{group}.")}
        yield (*path, f"{group}.*"), inner


_AVERAGED_RANK, _TRAINED_RANK, _OTHER_RANK, _HELPER_RANK = range(4)


def _rank(path: tuple[str, ...]) -> tuple[int, int]:
    """Say how good a place is, smaller is better: averaged, a network's usual name, any other, a helper's."""
    names = [one.removesuffix(".*").lower() for one in path]
    if any(_is_helper(one) for one in names):
        return _HELPER_RANK, 0
    places = [TRAINED.index(one) for one in names if one in TRAINED]
    best = min(places, default=len(TRAINED))
    if any(is_averaged(one) for one in names):
        return _AVERAGED_RANK, best
    if not names or places:
        return _TRAINED_RANK, best
    return _OTHER_RANK, best


def is_averaged(name: str) -> bool:
    """Tell by its name whether something keeps averaged weights."""
    return any(part in name.lower() for part in AVERAGED)


def _is_helper(name: str) -> bool:
    return name.lower().startswith(HELPERS) or name.lower() in _HELPER_NAMES


def _parts_of_one(states: Mapping[tuple[str, ...], State]) -> Taken | None:
    """Join parts that were saved one by one, as in `{"encoder": ..., "decoder": ...}`, under their names."""
    useful = [path for path in states if _rank(path)[0] != _HELPER_RANK]
    parents = {path[:-1] for path in useful if path}
    if len(useful) < 2 or len(parents) != 1 or any(_rank(path[-1:])[0] != _OTHER_RANK for path in useful):
        return None
    joined = {f"{path[-1]}.{key.removeprefix('module.')}": one for path in useful for key, one in states[path].items()}
    return Taken(joined, " and ".join(_told(path) for path in useful))


def _unwrapped(state: State, told: str) -> Taken:
    """Take away what stands before every key."""
    while True:
        prefix = next((one for one in _WRAPPERS if all(key.startswith(one) for key in state)), None)
        if prefix is None:
            return Taken(state, told)
        state = {key.removeprefix(prefix): one for key, one in state.items()}
        told += f", without {prefix!r} before every key"


def _filled(taken: Taken, path: tuple[str, ...], states: Mapping[tuple[str, ...], State]) -> Taken:
    """Give averaged weights the tensors that were not averaged, as running means often are not."""
    if _rank(path)[0] != _AVERAGED_RANK:
        return taken
    for other in sorted(states, key=_rank):
        if _rank(other)[0] == _TRAINED_RANK:
            whole = _unwrapped(states[other], "").state
            if taken.state.keys() < whole.keys():
                told = f"{taken.taken_from}; {len(whole) - len(taken.state)} that it lacks from {_told(other)}"
                return Taken(whole | taken.state, told)
    return taken


def _told(path: tuple[str, ...]) -> str:
    return "/".join(path) or "the whole file"


def _described(content: object) -> str:
    if isinstance(content, Mapping):
        keys = [str(key) for key in cast("Mapping[object, object]", content)]
        return f"only {', '.join(keys[:8])}{' and more' if len(keys) > 8 else ''}" if keys else "nothing"
    return f"a {type(content).__name__}"
