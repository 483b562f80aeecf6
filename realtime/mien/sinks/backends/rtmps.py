"""`--sink rtmps://HOST/APP/KEY`: a stream, encrypted."""

from typing import Final

from mien.sinks.plugin import SinkPlugin
from mien.sinks.rtmp import address_plugin

PLUGIN: Final[SinkPlugin] = address_plugin("rtmps", "a stream to a server, encrypted")
