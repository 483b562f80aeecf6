"""`--sink twitch:KEY`: a stream to Twitch, which sends it on from the nearest of its servers."""

from typing import Final

from mien.sinks.plugin import SinkPlugin
from mien.sinks.rtmp import service_plugin

PLUGIN: Final[SinkPlugin] = service_plugin("Twitch", "rtmps://ingest.global-contribute.live-video.net/app", "Twitch")
