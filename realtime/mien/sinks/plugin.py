"""What a sink's file says of itself, so that nothing else has to know it by name."""

from collections.abc import Callable
from dataclasses import dataclass

from mien.consent.terms import Scope
from mien.pipeline.interfaces import SinkFactory


@dataclass(frozen=True, slots=True)
class SinkPlugin:
    """One kind of sink: what makes it, and what the program must know before it is made."""

    make: SinkFactory
    help: str
    """Where frames go, in a few words for lists: 'a video file, H.264'."""
    target: str = ""
    """What follows its name and a colon, for help: 'PATH', '[DEVICE]'; '' where nothing may."""
    use: Scope | None = Scope.LIVE
    """What it uses a face for, of what a person may have agreed to; None: nobody sees it."""
    writes_target: bool = False
    """Whether its target is a file or folder that it writes, so that it may be none that is read."""

    conceal: Callable[[str], str] | None = None
    """Writes a target without what is secret in it, a stream's key; None: nothing is."""

    @property
    def usage(self) -> str:
        """Give how it is written after `--sink`, without its name: ':PATH', '[:DEVICE]' or ''."""
        if self.target.startswith("["):
            return f"[:{self.target[1:]}"
        return f":{self.target}" if self.target else ""
