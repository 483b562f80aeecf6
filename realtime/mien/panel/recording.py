"""Where recordings go: files that we name, in the user's own folder of films."""

from datetime import datetime
from typing import Final

from mien.panel.status import StatusView
from mien.session.recordings import new_target, recordings_folder

__all__ = ["new_recording", "new_target", "recording_of", "recordings_folder"]

_FILE: Final = "file:"


def new_recording(now: datetime) -> str:
    """Give the output of a new recording, as `--sink` takes it; its folder is made.

    Raises:
        MienError: it cannot be.
    """
    return f"{_FILE}{new_target(now, '.mp4')}"


def recording_of(status: StatusView) -> str | None:
    """Give the recording that runs."""
    return next((spec for spec in status.outputs if spec.startswith(_FILE)), None)
