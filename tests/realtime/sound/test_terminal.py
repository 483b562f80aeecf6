"""Two libraries turn the descriptor of stderr away while they start; the program must not end up mute."""

import subprocess
import sys

import pytest

from mien.sound.devices import portaudio
from mien_models.errors import SoundError

_BOTH_AT_ONCE = """
import os, threading
from mien.sound.devices import microphones
from mien_models.library import builtin

manifest = builtin.read_manifest("blazeface_short_range")
microphones()
for _ in range(300):
    looking = threading.Thread(target=microphones)
    looking.start()
    while looking.is_alive():
        builtin.open_session(manifest)
    os.write(2, b".")
"""


@pytest.fixture
def _has_portaudio() -> None:
    try:
        portaudio()
    except SoundError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("_has_portaudio")
def test_looking_for_microphones_while_networks_load_leaves_the_terminal_as_it_was() -> None:
    done = subprocess.run([sys.executable, "-c", _BOTH_AT_ONCE], capture_output=True, check=True)
    assert done.stderr == b"." * 300
