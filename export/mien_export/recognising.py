"""Which architecture a checkpoint is of: found by its key names and shapes, or named by the user."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from mien_export.checkpoint.nesting import is_averaged
from mien_export.contracts import ARCHITECTURES, Architecture, Network, Place, Shapes, Variants
from mien_export.custom import custom_network
from mien_export.grouping import Group, group_of, left_out, prefixes_of, under
from mien_export.lookalikes import network_keys, unknown_told
from mien_export.seeded import LAST_COUNTER
from mien_models.errors import MienError, UsageError
from mien_models.specs.network import EmbedSpec


class RecogniseError(MienError):
    """A checkpoint of no known architecture, or not of the one that was named."""


class AskError(UsageError):
    """What no key shows and nobody said: the command line lacks it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a user says of a checkpoint's network; None for what Mien shall find out."""

    arch: str | None = None
    """An architecture's name, or `package.module:Class` of one that Mien does not know."""
    manifest: Path | None = None
    """For `package.module:Class`, the TOML file that says what it takes and gives; see `custom`."""
    size_px: int | None = None
    """The side of the crop, for architectures whose weights serve several."""
    variant: str | None = None
    """Which of the networks that have the same keys."""
    group: str | None = None
    """What stands before its keys in a state dict of several networks."""
    path: Path | None = None
    """Of the checkpoint: its name may tell the size, and what stands beside it the variant."""


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a checkpoint is."""

    network: Network
    name: str
    group: Group | None = None
    """Where in the state dict its keys stand; None for the whole."""
    notes: tuple[str, ...] = ()
    """What was chosen that the keys do not say, for people."""

    def state_in(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take its weights out of the state dict that it was found in."""
        return dict(state) if self.group is None else self.group.of(state)


def network_for(state: Mapping[str, Tensor], said: Said | None = None) -> Found:
    """Find the network that a checkpoint is of, with its sizes.

    Args:
        state: as `read_checkpoint` gave it.
        said: what the user says of it.

    Raises:
        RecogniseError: no architecture fits, several do, or the named one does not.
        AskError: the keys do not tell which of several networks it is.
        UnknownPluginError: no architecture has that name.
    """
    said = said or Said()
    if said.arch is not None and ":" in said.arch:
        return _own(state, custom_network(said.arch, said.manifest), said.arch)
    if said.manifest is not None:
        raise RecogniseError("--manifest describes a class of your own; name it with --arch package.module:Class.")
    asked = (said.arch,) if said.arch is not None else ARCHITECTURES.names()
    loaded = {name: ARCHITECTURES.load(name) for name in asked}
    shapes = {key: tuple(one.shape) for key, one in state.items() if LAST_COUNTER not in key}
    prefix, name, made = _the_one(shapes, loaded, said.group)
    if isinstance(made, Variants):
        # Before anybody is asked about weights that are not all there.
        _check_whole(next(iter(made.networks.values())), name, under(prefix, shapes))
    notes: list[str] = []
    network = _variant(made, (name, prefix), said, notes)
    network = _sized(network, name, said, notes)
    group = group_of(prefix, shapes, network_keys(network))
    notes += _grouped(group, shapes)
    network = _followed(network, loaded[name], said.path, notes)
    return Found(network, name, group, tuple(notes))


def _check_whole(network: Network, name: str, shapes: Shapes) -> None:
    missing = sorted(network_keys(network) - shapes.keys())
    if missing:
        raise RecogniseError(
            f"The checkpoint should have the keys of {name}, but lacks {', '.join(missing[:4])}"
            f"{f' and {len(missing) - 4} more' if len(missing) > 4 else ''}. It is cut short, or of another network: "
            "give the file that the program wrote, or name a network of yours with --arch package.module:Class."
        )


def _followed(network: Network, architecture: Architecture, path: Path | None, notes: list[str]) -> Network:
    """Follow what stands beside the checkpoint, or say what is taken for granted."""
    beside = architecture.beside(network, path) if architecture.beside is not None and path is not None else None
    if beside is not None:
        notes.append(beside[1])
        return beside[0]
    if architecture.presumed:
        notes.append(architecture.presumed)
    return network


def _own(state: Mapping[str, Tensor], network: Network, name: str) -> Found:
    """Find the keys of a class of the user's own, wherever a trainer put them."""
    wanted = network_keys(network)
    keys = {key: () for key in state if LAST_COUNTER not in key}
    prefix = next((one for one in prefixes_of(keys) if wanted <= under(one, keys).keys()), None)
    if prefix is None:
        return Found(network, name)
    group = group_of(prefix, keys, wanted)
    return Found(network, name, group, tuple(_grouped(group, keys)))


def _grouped(group: Group, state: Mapping[str, object]) -> list[str]:
    """Say which keys were taken, where there are others."""
    others = left_out(group, state)
    if not group.prefix and not others:
        return []
    where = f"its keys are those that begin with {group.prefix!r}" if group.prefix else "not all keys are its own"
    return [f"{where}; left out: {', '.join(others) or 'nothing'}"]


def _the_one(
    shapes: Shapes, loaded: Mapping[str, Architecture], group: str | None
) -> tuple[str, str, Network | Variants]:
    """Find the only place and architecture that fit; of several, the network that the others stand by counts."""
    found = _fitting(shapes, loaded, group)
    if not found:
        raise RecogniseError(_nothing_told(shapes, loaded, group))
    whole = [one for one in found if not one[0]]
    # Trainers keep identity networks beside what they train, and averages of it.
    own = whole or [one for one in found if not _is_identity(one[2])] or found
    own = [one for one in own if is_averaged(one[0])] or own
    if len(own) > 1:
        names = sorted({name for _, name, _ in own})
        if len(names) > 1:
            raise RecogniseError(f"The checkpoint may be of {' or '.join(names)}; say which with --arch.")
        raise RecogniseError(
            f"The checkpoint holds {names[0]} {len(own)} times; say which with --group: "
            f"{', '.join(prefix.rstrip('.') for prefix, _, _ in own)}."
        )
    return own[0]


def _fitting(
    shapes: Shapes, loaded: Mapping[str, Architecture], group: str | None
) -> list[tuple[str, str, Network | Variants]]:
    """Give every place with the keys of an architecture, and what it makes of them."""
    return [
        (prefix, name, made)
        for prefix in (prefixes_of(shapes) if group is None else (_prefix(group),))
        for name, one in loaded.items()
        if (made := one.recognise(under(prefix, shapes))) is not None
    ]


def _prefix(group: str) -> str:
    return f"{group.rstrip('.')}."


def _nothing_told(shapes: Shapes, loaded: Mapping[str, Architecture], group: str | None) -> str:
    """Say why nothing fits: the wrong group, the wrong architecture, or an unknown one."""
    own = shapes if group is None else under(_prefix(group), shapes)
    if not own:
        first_names = ", ".join(sorted({key.partition(".")[0] for key in shapes}))
        return f"No key begins with {group!r}; they begin with {first_names}. Say one of these, or leave --group away."
    others = {name: ARCHITECTURES.load(name) for name in ARCHITECTURES.names() if name not in loaded}
    fitting = sorted({name for _, name, _ in _fitting(shapes, others, group)})
    if fitting:
        return f"The checkpoint is of {' or '.join(fitting)}, not of {', '.join(loaded)}; leave --arch away."
    return unknown_told(own, loaded)


def _is_identity(made: Network | Variants) -> bool:
    network = next(iter(made.networks.values())) if isinstance(made, Variants) else made
    return isinstance(network.spec(has_map=True), EmbedSpec)


def _variant(made: Network | Variants, found: tuple[str, str], said: Said, notes: list[str]) -> Network:
    """Choose among networks of the same keys by what the user says or what the training program left.

    Args:
        made: what the keys are of.
        found: the architecture's name, and the prefix that its keys stand under.
        said: what the user says.
        notes: what was chosen is added.
    """
    name, prefix = found
    if not isinstance(made, Variants):
        if said.variant is not None:
            raise AskError(f"The keys of {name} say all that there is to it here; leave --variant away.")
        return made
    choices = ", ".join(made.networks)
    if said.variant is not None:
        if said.variant not in made.networks:
            raise AskError(f"--variant takes {choices} for this checkpoint, not {said.variant!r}. {made.question}")
        return made.networks[said.variant]
    answer = made.answer(Place(said.path, prefix))
    if answer is None:
        raise AskError(f"Say --variant {'|'.join(made.networks)}. {made.question}")
    notes.append(f"variant {answer.variant}: {answer.why} (--variant says otherwise)")
    return made.networks[answer.variant]


def _sized(network: Network, name: str, said: Said, notes: list[str]) -> Network:
    """Give it the side of the crop that is asked for, that the file's name says, or that is usual."""
    sides = ARCHITECTURES.load(name).serves_px
    if not sides:
        if said.size_px is not None:
            raise AskError(f"The crop's side of {name} is in its weights; leave --size away.")
        return network
    if said.size_px is not None:
        if said.size_px not in sides:
            raise AskError(f"{name} takes crops of {' or '.join(map(str, sides))} px, not of {said.size_px}.")
        return _of_side(network, said.size_px)
    named = {int(one) for one in re.findall(r"(?<!\d)\d{3}(?!\d)", said.path.stem if said.path else "")} & set(sides)
    usual = network.outputs[0].shape[1]
    side = named.pop() if len(named) == 1 else usual
    why = "as its name says" if side != usual else "as is usual"
    others = " or ".join(str(one) for one in sides if one != side)
    notes.append(f"exported for crops of {side} px, {why}; these weights also serve {others}: --size says so")
    return _of_side(network, side)


def _of_side(network: Network, side_px: int) -> Network:
    if not dataclasses.is_dataclass(network):
        raise TypeError(f"a network is a dataclass, not {type(network).__name__}")
    resized: Network = dataclasses.replace(network, size_px=side_px)
    return resized
