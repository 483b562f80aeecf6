"""`--sink youtube:KEY`: a stream to YouTube."""

from typing import Final

from mien.sinks.plugin import SinkPlugin
from mien.sinks.rtmp import service_plugin

PLUGIN: Final[SinkPlugin] = service_plugin("YouTube", "rtmps://a.rtmps.youtube.com/live2", "YouTube")
