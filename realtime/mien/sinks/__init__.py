"""Where frames go; one file each."""

from typing import Final

from mien.pipeline.interfaces import OutputFormat, Sink, SinkFactory
from mien_models.errors import UsageError
from mien_models.plugins import Plugins

SINKS: Final[Plugins[SinkFactory]] = Plugins("mien.sinks.backends", "sink")


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
    return SINKS.load(name)(target, output)
