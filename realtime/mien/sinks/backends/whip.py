"""Streams by WHIP, which many newer servers take: WebRTC, with less delay than RTMP."""

from typing import Final

from mien.consent.terms import Scope
from mien.sinks.registry import SinkPlugin
from mien.sinks.stream_address import HIDDEN
from mien.sinks.whip import whip_address, whip_sink
from mien_models.errors import UsageError


def _concealed(target: str) -> str:
    try:
        return whip_address(target).shown
    except UsageError:
        return HIDDEN


PLUGIN: Final = SinkPlugin(
    make=whip_sink,
    help="a stream to a server that takes WHIP, by WebRTC",
    target="https://HOST/PATH",
    use=Scope.STREAMING,
    conceal=_concealed,
)
