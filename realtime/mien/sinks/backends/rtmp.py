"""Streams by RTMP: to any server, and to the services whose address is known."""

from collections.abc import Mapping
from typing import Final

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SinkFactory
from mien.sinks.registry import SinkPlugin
from mien.sinks.rtmp import conceal, rtmp_sink
from mien.sinks.stream_address import HIDDEN
from mien.sinks.streaming import StreamSink

_TWITCH: Final = "rtmps://ingest.global-contribute.live-video.net/app"
"""Goes on to the nearest of Twitch's servers."""
_YOUTUBE: Final = "rtmps://a.rtmps.youtube.com/live2"


def _to_address(scheme: str) -> SinkFactory:
    def make(target: str, output: OutputFormat) -> StreamSink:
        return rtmp_sink(f"{scheme}:{target}", output)

    return make


def _to_service(name: str, address: str) -> SinkFactory:
    def make(target: str, output: OutputFormat) -> StreamSink:
        return rtmp_sink(f"{address}/{target}", output, name)

    return make


def _hidden(_key: str) -> str:
    return HIDDEN


PLUGINS: Final[Mapping[str, SinkPlugin]] = {
    "rtmp": SinkPlugin(
        make=_to_address("rtmp"),
        label="Stream (RTMP)",
        help="a stream to a server of your own, not encrypted",
        target="//HOST/APP/KEY",
        use=Scope.STREAMING,
        conceal=lambda target: conceal(f"rtmp:{target}").removeprefix("rtmp:"),
    ),
    "rtmps": SinkPlugin(
        make=_to_address("rtmps"),
        label="Stream, encrypted (RTMPS)",
        help="a stream to a server, encrypted",
        target="//HOST/APP/KEY",
        use=Scope.STREAMING,
        conceal=lambda target: conceal(f"rtmps:{target}").removeprefix("rtmps:"),
    ),
    "twitch": SinkPlugin(
        make=_to_service("Twitch", _TWITCH),
        label="Twitch",
        help="a stream to Twitch",
        target="KEY",
        use=Scope.STREAMING,
        conceal=_hidden,
    ),
    "youtube": SinkPlugin(
        make=_to_service("YouTube", _YOUTUBE),
        label="YouTube",
        help="a stream to YouTube",
        target="KEY",
        use=Scope.STREAMING,
        conceal=_hidden,
    ),
}
