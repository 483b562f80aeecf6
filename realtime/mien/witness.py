"""From settings to the session's place in the local log."""

from importlib.metadata import version

from mien import folders
from mien.journal.journal import Journal
from mien.journal.session import Opening, SessionLog
from mien.marking.marks import Marks
from mien.settings import Settings
from mien.user_models import SWAPPERS, library
from mien.wardrobe import Wardrobe
from mien_models.catalog import manifest_names, read_manifest
from mien_models.errors import ModelError
from mien_models.library.candidate import needed_networks


def local_journal() -> Journal:
    """Give this computer's log."""
    return Journal(folders.state_folder() / "sessions")


def session_log(
    command: str, settings: Settings, wardrobe: Wardrobe, marks: Marks, outputs: tuple[str, ...]
) -> SessionLog:
    """Make what writes a session's lines; nothing is written yet.

    `command` is 'run' or 'swap', `outputs` say in words where pictures go.
    """
    opening = Opening(
        marks.session_id,
        command,
        wardrobe.names,
        wardrobe.consents,
        marks.mode.value,
        settings.content_gate.value,
        settings.swapper,
        outputs,
        _models(settings.swapper),
        version("mien"),
    )
    return SessionLog(local_journal(), opening)


def _models(swapper: str) -> dict[str, str]:
    """Name the networks that a swapper may run, with their hashes."""
    models = {name: read_manifest(name).sha256 for name in manifest_names()}
    if swapper in SWAPPERS.names():
        return models
    shelf = library()
    try:
        manifest = shelf.find(swapper).manifest
        models[swapper] = manifest.sha256
        models |= {name: shelf.find(name).manifest.sha256 for name in needed_networks(manifest.network)}
    except ModelError:
        # What is missing is said by whoever needs it; the log only names what is there.
        return models
    return models
