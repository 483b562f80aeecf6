"""Where Mien keeps what it remembers, its settings file and its logs; and what a user's path means."""

import os
from pathlib import Path
from typing import Final

import platformdirs

DATA_VARIABLE: Final = "MIEN_DATA_DIR"
CONFIG_VARIABLE: Final = "MIEN_CONFIG_DIR"
STATE_VARIABLE: Final = "MIEN_STATE_DIR"


def data_folder() -> Path:
    """Name the folder of what is remembered, such as consents; it may not exist yet."""
    return _folder(DATA_VARIABLE, platformdirs.user_data_path("mien", appauthor=False))


def config_folder() -> Path:
    """Name the folder where `mien.toml` is looked for after the current one; it may not exist."""
    return _folder(CONFIG_VARIABLE, platformdirs.user_config_path("mien", appauthor=False))


def state_folder() -> Path:
    """Name the folder of logs; it may not exist yet."""
    return _folder(STATE_VARIABLE, platformdirs.user_state_path("mien", appauthor=False))


def named_path(text: str) -> Path:
    """Give the path that a user names; a leading '~' is a home, where there is one of that name."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody is called so: a file's name may begin with a tilde
        return Path(text)


def _folder(variable: str, usual: Path) -> Path:
    chosen = os.environ.get(variable)
    return Path(chosen) if chosen else usual
