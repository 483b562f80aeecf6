"""`--sink rtmp://HOST/APP/KEY`: a stream, unencrypted, as servers at home take it."""

from typing import Final

from mien.sinks.plugin import SinkPlugin
from mien.sinks.rtmp import address_plugin

PLUGIN: Final[SinkPlugin] = address_plugin("rtmp", "a stream to a server, unencrypted")
