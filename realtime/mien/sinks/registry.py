"""The sinks by name, what each says of itself, and what a `--sink` says."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.pipeline.sink_interfaces import Sink, SinkFactory
from mien_models.errors import UsageError
from mien_models.plugins import Plugins, Usual, usual

_LOG = logging.getLogger(__name__)
HIDDEN: Final = "****"
"""Stands where a key was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkPlugin:
    """One kind of sink: what makes it, and what the program must know before it is made."""

    make: SinkFactory
    help: str
    """Where frames go, in a few words for lists: 'a video file, H.264'."""
    label: str = ""
    """What people call it, above its place in a form: 'Virtual camera'; '' for its name."""
    target: str = ""
    """What follows its name and a colon: 'PATH', '[DEVICE]' where it may be left out, '' where nothing may."""
    use: Scope | None = Scope.LIVE
    """What it uses a face for, of what a person may have agreed to; None: nobody sees it."""
    writes_target: bool = False
    """Whether its target is a file or folder that it writes, so that it may be none that is read."""
    is_camera: bool = False
    """Whether other programs take its pictures as a camera's, and the sound from elsewhere."""
    usual: Usual | None = None
    """What makes it the one that is used where the user named none; None: never."""
    conceal: Callable[[str], str] | None = None
    """Writes a target without what is secret in it, a stream's key; None: nothing is."""


SINKS: Final[Plugins[SinkPlugin]] = Plugins("mien.sinks.backends", "sink", SinkPlugin)


def parse_sink(spec: str) -> tuple[str, str]:
    """Split what follows `--sink` into the sink's name and its target, '' where none is given.

    Raises:
        UsageError: it is a path without the sink that should write it, or a sink without the target that it needs.
        UnknownPluginError: no sink has that name; the choices are listed.
    """
    if spec.partition(":")[0] not in SINKS.names() and any(mark in spec for mark in ("/", "\\", ".")):
        writing = [one for one in SINKS.described() if one.target and not one.target.startswith("[")]
        likes = " or ".join(one.usage for one in writing)
        meant = " or ".join(repr(f"{one.name}:{spec}") for one in writing)
        raise UsageError(f"Expected a sink like {likes}, got {spec!r}. Did you mean {meant}?")
    return SINKS.parse(spec)


def make_sink(spec: str, output: OutputFormat) -> Sink:
    """Make the sink that `spec` asks for, closed.

    Raises:
        UsageError: as `parse_sink`, or the sink needs a target and got none, or gets one it has no use for.
    """
    name, target = parse_sink(spec)
    return SINKS.load(name).make(target, output)


def uses_of(specs: Iterable[str]) -> tuple[Scope, ...]:
    """Say what sinks use faces for, each use once."""
    found = {SINKS.load(parse_sink(spec)[0]).use for spec in specs}
    return tuple(use for use in Scope if use in found)


def have_camera(specs: Iterable[str]) -> bool:
    """Whether other programs take pictures from one of them as from a camera."""
    return any(SINKS.load(parse_sink(spec)[0]).is_camera for spec in specs)


def written_by(specs: Iterable[str]) -> tuple[Path, ...]:
    """Name the files and folders that sinks would write."""
    named = [(SINKS.load(name), target) for name, target in map(parse_sink, specs)]
    return tuple(Path(target) for plugin, target in named if plugin.writes_target and target)


def default_sinks() -> tuple[str, ...]:
    """Name where frames go where the user named nothing: what somebody can see; what to install is said.

    Raises:
        BrokenPluginError: a sink of the user's own cannot be used.
    """
    return (usual(((name, plugin.usual) for name, plugin in SINKS.each()), _LOG.warning),)


def shown_spec(spec: str) -> str:
    """Write what followed `--sink` without what is secret in it."""
    name, separator, target = spec.partition(":")
    conceal = SINKS.load(name).conceal if name in SINKS.names() else None
    return spec if conceal is None else f"{name}{separator}{conceal(target)}"
