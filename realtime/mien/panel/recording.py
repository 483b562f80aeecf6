"""Where recordings go: files that we name, in the user's own folder of films."""

from datetime import datetime
from pathlib import Path
from typing import Final

from mien.panel.status import StatusView
from mien_models.errors import MienError
from mien_models.system.causes import cause_of

_FILE: Final = "file:"


def recordings_folder() -> Path:
    """Give the folder."""
    from platformdirs import user_videos_path

    return user_videos_path() / "Mien"


def new_recording(now: datetime) -> str:
    """Give the output of a new recording, as `--sink` takes it; its folder is made.

    Raises:
        MienError: it cannot be.
    """
    folder = recordings_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"The folder {str(folder)!r} cannot be made: {cause_of(error)}.") from error
    return f"{_FILE}{folder / now.strftime('mien-%Y-%m-%d-%H%M%S.mp4')}"


def recording_of(status: StatusView) -> str | None:
    """Give the recording that runs."""
    return next((spec for spec in status.outputs if spec.startswith(_FILE)), None)


def new_folder(now: datetime) -> Path:
    """Give a folder for pictures, which is not there yet."""
    return recordings_folder() / now.strftime("mien-%Y-%m-%d-%H%M%S")
