"""Every error that Mien raises on purpose.

    MienError                 what a user can act on; the command line prints the message and exits with 1
    ├── UsageError            a wrong flag or setting; the command line exits with 2
    │   ├── UnknownPluginError
    │   ├── BrokenPluginError a file of the user's own that cannot be used
    │   └── AmbiguousError    a network that may be of several families
    ├── PhotoError            a photo that gives no face
    ├── SourceError           a camera, file or address that gives no frames
    ├── SinkError             an output that cannot be opened or written
    │   └── SinkClosedError   its user closed it: nothing is wrong
    ├── SoundError            a microphone or sound output that is not there or gives nothing
    ├── ModelError            a network that is missing, damaged or does not run
    ├── AwayError             a part that is away for now and comes back by itself; the run waits for it
    ├── FinalError            a run must end at once: what it was given, or a face in use, may not be used
    └── FaultError            Mien itself failed; the message names the file with the details

A message says what was expected, what was found and what to do next, in that order.
"""

from pathlib import Path


class MienError(Exception):
    """A failure that the user can act on; its message is one clear sentence for them."""


class UsageError(MienError):
    """A wrong flag, setting or name."""


class UnknownPluginError(UsageError):
    """A plug-in name that no file carries."""


class BrokenPluginError(UsageError):
    """A plug-in of the user's own that cannot be used."""

    def __init__(self, noun: str, name: str, file: Path, why: str) -> None:
        """Take what it should be, its file, and what is wrong with it."""
        super().__init__(f"Your {noun} {name!r} cannot be used: {why}. Correct {str(file)!r}, or take it away.")


class AmbiguousError(UsageError):
    """A network that may be of several families: the user has to say of which."""

    def __init__(self, name: str, families: tuple[str, ...]) -> None:
        """Take what to call the file, and the families."""
        super().__init__(
            f"{name!r} has the inputs and outputs of {' or '.join(families)}, but nothing in it tells for sure which "
            f"it is. Say it with --as {'|'.join(families)}."
        )
        self.families = families


class PhotoError(MienError):
    """A photo that cannot be read or that shows no usable face."""


class SourceError(MienError):
    """A source that cannot be opened or has stopped giving frames."""


class SinkError(MienError):
    """A sink that cannot be opened or written to."""


class SinkClosedError(SinkError):
    """The user closed this output, for instance its window; the rest of the run goes on or ends cleanly."""


class SoundError(MienError):
    """A microphone or sound output that is not there, cannot be opened or is gone."""


class ModelError(MienError):
    """A network that is missing, damaged or does not run here."""


class AwayError(MienError):
    """What a frame needs is away for now and comes back by itself: a card is shown, the run goes on."""


class FinalError(MienError):
    """The run must end at once and not be tried again: what it was given may not be used."""


class FaultError(MienError):
    """Something failed that nobody foresaw; the message names the file with the details (`system.crash`)."""
