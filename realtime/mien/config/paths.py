"""Where Mien keeps what it remembers, its settings file and its logs, as `mien_models.system.folders` says."""

from pathlib import Path

from mien_models.system.folders import (
    CONFIG_VARIABLE,
    DATA_VARIABLE,
    STATE_VARIABLE,
    config_folder,
    data_folder,
    state_folder,
)

__all__ = [
    "CONFIG_VARIABLE",
    "DATA_VARIABLE",
    "STATE_VARIABLE",
    "config_folder",
    "data_folder",
    "named_path",
    "state_folder",
]


def named_path(text: str) -> Path:
    """Give the path that a user names; a leading '~' is a home, where there is one of that name."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody is called so: a file's name may begin with a tilde
        return Path(text)
