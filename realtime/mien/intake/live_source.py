"""A source as the live loop reads it, whatever the address means."""

from mien.contracts import LiveSource, SourceRequest
from mien.intake.addresses import SOURCES, source_kind
from mien.intake.pacing import PacedSource
from mien.intake.reading import ThreadedReading
from mien.intake.reopen import SurvivingSource


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
