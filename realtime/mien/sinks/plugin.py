"""What a sink's file says of itself, so that nothing else has to know it by name."""

from collections.abc import Callable
from dataclasses import dataclass

from mien.consent.terms import Scope
from mien.pipeline.interfaces import SinkFactory
from mien_models.plugins import Usual


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkPlugin:
    """One kind of sink: what makes it, and what the program must know before it is made."""

    make: SinkFactory
    help: str
    """Where frames go, in a few words for lists: 'a video file, H.264'."""
    target: str = ""
    """What follows its name and a colon: 'PATH', '[DEVICE]' where it may be left out, '' where nothing may."""
    use: Scope | None = Scope.LIVE
    """What it uses a face for, of what a person may have agreed to; None: nobody sees it."""
    writes_target: bool = False
    """Whether its target is a file or folder that it writes, so that it may be none that is read."""
    usual: Usual | None = None
    """What makes it the one that is used where the user named none; None: never."""
    conceal: Callable[[str], str] | None = None
    """Writes a target without what is secret in it, a stream's key; None: nothing is."""
