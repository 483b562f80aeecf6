"""What a user may set of a swapper, kept with the model: how its faces are cut out, and how far it is morphed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mien_models.errors import UsageError
from mien_models.specs.network import SwapSpec, UserManifest
from mien_models.specs.templates import FACE_TYPES, TEMPLATES, Extent

_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "coverage": (0.5, 8.0),
    "vertical_offset": (-1.0, 1.0),
    "morph": (0.0, 1.0),
}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {"template": tuple(TEMPLATES), "face_type": tuple(FACE_TYPES)}
TUNABLE: Final = (*_WORDS, *_RANGES)
"""The names that can be set; later ones count on top of earlier ones."""


def read_changes(words: list[str]) -> dict[str, str]:
    """Read NAME=VALUE words.

    Raises:
        UsageError: one is no such word, or cannot be set.
    """
    changes: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name not in TUNABLE:
            raise UsageError(f"A model takes NAME=VALUE with one of {', '.join(TUNABLE)}, but got {word!r}.")
        changes[name] = value
    return changes


def tuned(manifest: UserManifest, changes: Mapping[str, str]) -> UserManifest:
    """Give a manifest with other values.

    Args:
        manifest: of a swapper.
        changes: the values as they were written, by name.

    Raises:
        UsageError: it is no swapper's, or a value is not allowed.
    """
    spec = manifest.network
    if not isinstance(spec, SwapSpec):
        raise UsageError(f"{manifest.name!r} is no swapper: nothing of it can be set.")
    if "morph" in changes and spec.names.morph is None:
        raise UsageError(f"{manifest.name!r} is no model that can be morphed; leave morph away.")
    crop = spec.crop
    if "template" in changes:
        crop = replace(crop, template=_word("template", changes), extent=None)
    extent = crop.extent or TEMPLATES[crop.template].extent
    if "face_type" in changes:
        extent = FACE_TYPES[_word("face_type", changes)]
    usual = {"coverage": extent.coverage, "vertical_offset": extent.vertical_offset, "morph": spec.morph}
    numbers = {name: _number(name, changes[name]) if name in changes else usual[name] for name in _RANGES}
    extent = Extent(numbers["coverage"], numbers["vertical_offset"], extent.follows_yaw)
    kept = None if extent == TEMPLATES[crop.template].extent else extent
    return replace(manifest, network=replace(spec, crop=replace(crop, extent=kept), morph=numbers["morph"]))


def settings_of(spec: SwapSpec) -> dict[str, str | float]:
    """Give what is set, by name; the face type is given where the numbers are those of one."""
    extent: Extent = spec.crop.extent or TEMPLATES[spec.crop.template].extent
    names = [name for name, usual in FACE_TYPES.items() if usual == extent]
    found: dict[str, str | float] = {
        "template": spec.crop.template,
        "coverage": extent.coverage,
        "vertical_offset": extent.vertical_offset,
    }
    if names:
        found["face_type"] = names[0]
    if spec.names.morph is not None:
        found["morph"] = spec.morph
    return found


def _word(name: str, changes: Mapping[str, str]) -> str:
    if changes[name] not in _WORDS[name]:
        raise UsageError(f"{name} takes one of {', '.join(_WORDS[name])}, but got {changes[name]!r}.")
    return changes[name]


def _number(name: str, text: str) -> float:
    lowest, highest = _RANGES[name]
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not lowest <= number <= highest:
        raise UsageError(f"{name} takes a number from {lowest:g} to {highest:g}, but got {text!r}.")
    return number
