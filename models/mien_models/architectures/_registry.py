"""Families of networks: how one architecture is recognised by what stands in its file."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from mien_models.errors import AmbiguousError, ModelError
from mien_models.onnx_format.graph import GraphDescription
from mien_models.plugins import Plugins
from mien_models.specs.network import NetworkSpec, SwapSpec, Terms

STAMP: Final = "mien.network"
"""The metadata under which `mien-export` writes a network's spec, as JSON: such a file needs no question."""
LICENCE_STAMP: Final = "mien.licence"
"""As much for its terms."""
UNKNOWN_TERMS: Final = Terms(
    "unknown", "Nobody said under what terms these weights may be used; ask whoever made them."
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a family makes of a file."""

    specs: Mapping[str, NetworkSpec]
    """One for each answer to the question, by the word that answers it; a single one where there is nothing to ask."""
    question: str = ""
    """What cannot be seen in the file, for people; it lists no answers."""
    marks: tuple[str, ...] = ()
    """What speaks for this family, beyond what the network takes and gives."""
    terms: Terms = UNKNOWN_TERMS
    """Of these weights, where their file says it; what a family's files usually are under is no answer."""

    @staticmethod
    def surely(spec: NetworkSpec, terms: Terms = UNKNOWN_TERMS, marks: tuple[str, ...] = ()) -> "Recognised":
        """Say that there is only one way to see it."""
        return Recognised({"": spec}, marks=marks, terms=terms)

    @staticmethod
    def asking(specs: Mapping[str, NetworkSpec], question: str, marks: tuple[str, ...]) -> "Recognised":
        """Ask where there are several ways to see it, and only there."""
        if len(specs) > 1:
            return Recognised(specs, question, marks)
        return Recognised.surely(next(iter(specs.values())), marks=marks)


class Architecture(Protocol):
    """One architecture: one file of `mien_models.architectures`."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at a file: None where it does not take and give what this family's networks do.

        Where it does, `marks` says what else speaks for it: names, nodes, layers. Without any, it may be another's.
        """
        ...


ARCHITECTURES: Final[Plugins[Architecture]] = Plugins("mien_models.architectures", "family of networks")


def marks(**found: bool) -> tuple[str, ...]:
    """Name the marks that were found."""
    return tuple(name for name, is_there in found.items() if is_there)


def recognise(graph: GraphDescription, name: str, *, family: str | None = None) -> Recognised:
    """Find out what a file is: by its stamp, else by asking every family, of which the one with most marks is taken.

    Args:
        graph: what stands in the file.
        name: what to call it in messages.
        family: the only one to ask, where the user named it.

    Raises:
        ModelError: no family knows it, or its stamp is damaged.
        AmbiguousError: several families know it equally well, or one does without a mark.
        UnknownPluginError: no family has that name.
    """
    if STAMP in graph.stamps and family is None:
        return Recognised.surely(_stamped(graph, name), _stamped_terms(graph))
    asked = ARCHITECTURES.names() if family is None else (family,)
    answers = {one: ARCHITECTURES.load(one).recognise(graph) for one in asked}
    found = {one: answer for one, answer in answers.items() if answer is not None}
    if not found:
        raise ModelError(_refusal(graph, name, asked))
    most = max(len(answer.marks) for answer in found.values())
    best = {one: answer for one, answer in found.items() if len(answer.marks) == most}
    if family is None and (len(best) > 1 or most == 0):
        raise AmbiguousError(name, tuple(best))
    return next(iter(best.values()))


def _refusal(graph: GraphDescription, name: str, asked: Sequence[str]) -> str:
    takes = ", ".join(f"{one} {list(info.shape)}" for one, info in graph.inputs.items())
    gives = ", ".join(f"{one} {list(info.shape)}" for one, info in graph.outputs.items())
    return (
        f"{name!r} should be a network of one of the families {', '.join(asked)}, but it takes {takes} and gives "
        f"{gives}. Give another file, or write a manifest for it."
    )


def stamp_of(spec: NetworkSpec) -> str:
    """Give what is written under `STAMP`."""
    return json.dumps(dataclasses.asdict(spec))


def _stamped(graph: GraphDescription, name: str) -> NetworkSpec:
    adapter: TypeAdapter[NetworkSpec] = TypeAdapter(NetworkSpec)
    try:
        spec = adapter.validate_json(graph.stamps[STAMP], strict=True)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ModelError(
            f"{name!r} says what it is under {STAMP!r}, but {where!r} is wrong there; export it anew."
        ) from error
    if spec.architecture not in ARCHITECTURES.names():
        raise ModelError(
            f"{name!r} says that it is of the family {spec.architecture!r}, which is unknown; export it anew."
        )
    if isinstance(spec, SwapSpec):
        expected = [spec.names.target, spec.names.output, *spec.names.masks, spec.names.source, spec.names.morph]
        missing = [one for one in expected if one is not None and one not in graph.inputs and one not in graph.outputs]
        if missing:
            raise ModelError(f"{name!r} says that it has {missing[0]!r}, which it has not; export it anew.")
    return spec


def _stamped_terms(graph: GraphDescription) -> Terms:
    try:
        terms = TypeAdapter(Terms).validate_json(graph.stamps[LICENCE_STAMP], strict=True)
    except (KeyError, ValidationError):
        return UNKNOWN_TERMS
    return terms if terms.name.isprintable() and terms.sentence.isprintable() else UNKNOWN_TERMS
