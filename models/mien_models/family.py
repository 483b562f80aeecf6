"""Families of networks: how one architecture is recognised by what stands in its file."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from mien_models.errors import ModelError
from mien_models.onnx_file import GraphDescription
from mien_models.plugins import Plugins
from mien_models.spec import NetworkSpec, SwapSpec, Terms

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
    terms: Terms
    """Of the weights that are usually found in this shape."""
    question: str = ""
    """What cannot be seen in the file, for people; it lists no answers."""

    @staticmethod
    def surely(spec: NetworkSpec, terms: Terms) -> "Recognised":
        """Say that there is only one way to see it."""
        return Recognised({"": spec}, terms)


class Family(Protocol):
    """One architecture: one file of `mien_models.families`."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and constants; None for a network of another family."""
        ...


FAMILIES: Final[Plugins[Family]] = Plugins("mien_models.families", "family of networks")


def recognise(graph: GraphDescription, name: str, *, family: str | None = None) -> Recognised:
    """Find out what a file is: by its stamp, else by asking every family.

    Args:
        graph: what stands in the file.
        name: what to call it in messages.
        family: the only one to ask, where the user named it.

    Raises:
        ModelError: no family knows it, several do, or its stamp is damaged.
        UnknownPluginError: no family has that name.
    """
    if STAMP in graph.stamps and family is None:
        return Recognised.surely(_stamped(graph, name), _stamped_terms(graph))
    asked = FAMILIES.names() if family is None else (family,)
    answers = {one: FAMILIES.load(one).recognise(graph) for one in asked}
    found = {one: answer for one, answer in answers.items() if answer is not None}
    if len(found) == 1:
        return next(iter(found.values()))
    takes = ", ".join(f"{one} {list(info.shape)}" for one, info in graph.inputs.items())
    gives = ", ".join(f"{one} {list(info.shape)}" for one, info in graph.outputs.items())
    if found:
        raise ModelError(f"{name!r} may be {' or '.join(found)}; say which with --as.")
    raise ModelError(
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
    if spec.architecture not in FAMILIES.names():
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
