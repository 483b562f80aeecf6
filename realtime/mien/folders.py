"""Where Mien keeps what it remembers, its settings file and its logs; `mien_models.folders` says where that is."""

from mien_models.folders import (
    CONFIG_VARIABLE,
    DATA_VARIABLE,
    STATE_VARIABLE,
    config_folder,
    data_folder,
    state_folder,
)

__all__ = ["CONFIG_VARIABLE", "DATA_VARIABLE", "STATE_VARIABLE", "config_folder", "data_folder", "state_folder"]
