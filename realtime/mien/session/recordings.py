"""Recordings while a session runs: begun, ended, and carried on in another file; all of it by its outputs."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.session.messages import RecordAction
from mien_models.errors import MienError, UsageError
from mien_models.system.causes import cause_of

if TYPE_CHECKING:
    from mien.session.session import Session

_FILE: Final = "file:"
_NOWHERE: Final = "null"
_CHANGE_S: Final = 60.0


def record(session: "Session", action: RecordAction, path: str | None) -> tuple[str, ...]:
    """Do it; give the files that it is about: what is recorded now, or what was until now.

    Args:
        session: the one that runs.
        action: what to do.
        path: the file to begin; None names one by the time, in the user's folder of films.

    Raises:
        MienError: it is not possible; nothing has changed.
    """
    status = session.status()
    running = [spec for spec in status.outputs if spec.startswith(_FILE)]
    if path is not None and action is not RecordAction.START:
        raise UsageError(f"A file is given to start a recording, not to {action.value} one.")
    if action is RecordAction.START:
        spec = f"{_FILE}{path}" if path else new_recording(datetime.now().astimezone())
        if running and path is None:
            raise UsageError("It is recording already; 'split' goes on in another file.")
        _change(session, [*(one for one in status.outputs if one != _NOWHERE), spec], status.revision)
        return (spec.removeprefix(_FILE),)
    if not running:
        raise UsageError("Nothing is recorded at the moment; 'start' begins.")
    if action is RecordAction.SPLIT:
        return session.split_recordings()
    _change(session, [one for one in status.outputs if one not in running] or [_NOWHERE], status.revision)
    return tuple(spec.removeprefix(_FILE) for spec in running)


def new_recording(now: datetime) -> str:
    """Give the output of a new recording, as `--sink` takes it; its folder is made.

    Raises:
        MienError: it cannot be.
    """
    return f"{_FILE}{new_target(now, '.mp4')}"


def new_target(now: datetime, suffix: str) -> Path:
    """Name what an output writes next, a file of that suffix or a folder where there is none; its folder is made.

    Raises:
        MienError: it cannot be.
    """
    folder = recordings_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(f"The folder {str(folder)!r} cannot be made: {cause_of(error)}.") from error
    return folder / f"{now.strftime('mien-%Y-%m-%d-%H%M%S')}{suffix}"


def recordings_folder() -> Path:
    """Give the folder."""
    from platformdirs import user_videos_path

    return user_videos_path() / "Mien"


def _change(session: "Session", outputs: list[str], revision: int) -> None:
    from mien.session.session import Applied, SettingsPatch  # what they need is heavy, and the panel only names files

    answer = session.apply(SettingsPatch({"sinks": outputs}, revision)).result(_CHANGE_S)
    if not isinstance(answer, Applied):
        raise MienError(" ".join(dict.fromkeys(answer.reasons.values())))
