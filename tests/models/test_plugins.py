"""Plug-ins are files: found by name, imported only when asked for."""

import pytest

from mien_models.errors import UnknownPluginError
from mien_models.plugins import Plugins


def test_an_unknown_name_lists_the_choices_and_the_near_miss() -> None:
    colours: Plugins[object] = Plugins("mien_models", "part")
    with pytest.raises(UnknownPluginError, match=r"No part is called 'speks'.*specs.*Did you mean 'specs'"):
        colours.load("speks")
