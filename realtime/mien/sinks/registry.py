"""The sinks by name, and what a `--sink` says."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import Sink
from mien.sinks.plugin import SinkPlugin
from mien_models.errors import UsageError
from mien_models.plugins import Plugins

SINKS: Final[Plugins[SinkPlugin]] = Plugins("mien.sinks.backends", "sink")


def parse_sink(spec: str) -> tuple[str, str]:
    r"""Split what follows `--sink` into the sink's name and its target, '' where none is given.

    Only the first colon counts, so `file:C:\x.mp4` and `virtualcam:/dev/video11` need no quoting.

    Raises:
        UsageError: it is a path without the sink that should write it.
        UnknownPluginError: no sink has that name; the choices are listed.
    """
    name, _, target = spec.partition(":")
    if name not in SINKS.names() and any(mark in spec for mark in ("/", "\\", ".")):
        raise UsageError(f"Expected a sink like file:PATH or images:DIR, got {spec!r}. Did you mean 'file:{spec}'?")
    SINKS.check(name)
    return name, target


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


def written_by(specs: Iterable[str]) -> tuple[Path, ...]:
    """Name the files and folders that sinks would write."""
    named = [(SINKS.load(name), target) for name, target in map(parse_sink, specs)]
    return tuple(Path(target) for plugin, target in named if plugin.writes_target and target)
