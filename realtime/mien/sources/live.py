"""A source as the live loop reads it, whatever the address means."""

from mien.pipeline.interfaces import LiveSource, SourceRequest
from mien.sources.address import SOURCES, source_kind
from mien.sources.pacing import PacedSource
from mien.sources.reader_thread import ThreadedReading
from mien.sources.reconnect import SurvivingSource


def live_source(request: SourceRequest, *, loops: bool = True) -> LiveSource:
    """Make the live source of a request, closed: devices and streams survive, files play at their own pace.

    Args:
        request: what the user asked for.
        loops: files start again at their end; else the run ends with them.

    Raises:
        SourceError: the address names nothing that is there.
    """
    kind = source_kind(request.address)
    make = SOURCES.load(kind)
    if kind in {"camera", "url"}:
        return SurvivingSource(lambda asked: ThreadedReading(make(asked)), request, can_freeze=kind == "camera")
    return PacedSource(make(request), loops=loops)
