"""Streams by SRT: to OBS, to another encoder, to services that take it."""

from typing import Final

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.sinks.registry import SinkPlugin
from mien.sinks.srt import srt_address, srt_sink
from mien.sinks.stream_address import HIDDEN
from mien.sinks.streaming import StreamSink
from mien_models.errors import UsageError


def _make(target: str, output: OutputFormat) -> StreamSink:
    return srt_sink(f"srt:{target}", output)


def _concealed(target: str) -> str:
    try:
        return srt_address(f"srt:{target}").shown.removeprefix("srt:")
    except UsageError:
        return HIDDEN


PLUGIN: Final = SinkPlugin(
    make=_make,
    help="a stream by SRT, with the extra 'srt'",
    target="//HOST:PORT",
    use=Scope.STREAMING,
    conceal=_concealed,
)
