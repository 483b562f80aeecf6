"""A real sound card: heard by its name and at its rate, pulled out and put back, and played into."""

import json
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.camera_vm.rig import PATIENCE_S, Mien, wait_until
from tests.camera_vm.scene import HEIGHT, WIDTH

pytestmark = pytest.mark.camera

CARDS: Final = Path("/proc/asound/cards")
DRIVER: Final = Path("/sys/bus/platform/drivers/snd_aloop")
CARD: Final = "snd_aloop.0"
SPOKEN, CALL = "plughw:Loopback,0,0", "plughw:Loopback,1,1"
"""The card hands what is played into a lane of its device 0 to who records that lane of its device 1 (Linux,
Documentation/sound/cards). Somebody speaks into lane 0, the first; Mien listens there, and plays into lane 1."""
RATE_HZ: Final = 48_000
CALL_S: Final = 15
"""Of an emulated machine's time; half a second of sound is asked for."""
HEARD: Final = "heard.f32"


class Card:
    """The sound card; what uses it is told that it is gone when it is pulled out."""

    def __init__(self) -> None:
        self._pulling: threading.Thread | None = None

    def pull_out(self) -> None:
        """Take it away; the kernel waits until nobody holds it any more, this does not."""
        self._pulling = threading.Thread(target=(DRIVER / "unbind").write_text, args=(CARD,), daemon=True)
        self._pulling.start()

    def put_back(self) -> None:
        """Wait until everybody has let go, and plug it in again."""
        if self._pulling is not None:
            self._pulling.join(PATIENCE_S)
            assert not self._pulling.is_alive(), "somebody still holds the card that was pulled out"
            (DRIVER / "bind").write_text(CARD)
            self._pulling = None


class Tone:
    """Somebody who hums into the microphone."""

    def __init__(self, pitch_hz: int, rate_hz: int = RATE_HZ) -> None:
        sine = f"sine=frequency={pitch_hz}:sample_rate={rate_hz}"
        words = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", sine]
        self._command = [*words, "-af", "volume=8dB", "-ac", "2", "-ar", str(rate_hz), "-f", "alsa", SPOKEN]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def card() -> Card:
    if not (CARDS.exists() and "Loopback" in CARDS.read_text()):
        pytest.skip("no sound card of the kernel's driver snd-aloop")
    return Card()


@pytest.fixture(scope="module")
def microphone(card: Card, tmp_path_factory: pytest.TempPathFactory) -> str:
    return _listed("microphones", ",1)", tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def speaker(card: Card, tmp_path_factory: pytest.TempPathFactory) -> str:
    return _listed("output_devices", ",0)", tmp_path_factory.mktemp("devices"))


@pytest.fixture
def words(photo: Path, tmp_path: Path) -> list[str]:
    """Give how to run Mien so that it writes what it hears into a file; it has the test's own sink for that."""
    sinks = tmp_path / "data" / "plugins" / "sinks"
    sinks.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "own_sinks" / "samples.py", sinks)
    face = ["--face", str(photo), "--consent", "public-domain", "--colour", "none"]
    camera = ["--camera", "synthetic", "--fps", "2", "--size", f"{WIDTH}x{HEIGHT}"]
    return [*face, *camera, "--sink", f"samples:{tmp_path / HEARD}"]


def _listed(kind: str, ending: str, folder: Path) -> str:
    with Mien(["devices", "--json"], folder) as mien:
        assert mien.wait() == 0, mien.said
    names = [device["name"] for device in json.loads(mien.printed)[kind]]
    found = [name for name in names if name.startswith("Loopback") and name.endswith(ending)]
    assert len(found) == 1, names
    return str(found[0])


def heard_at(sound: NDArray[np.float64], pitch_hz: int, window: int = 4096) -> list[float]:
    """Say at which seconds a tone is the loudest thing, within 1 %, and no mere noise."""
    found: list[float] = []
    for begin in range(0, len(sound) - window, window):
        spectrum = np.abs(np.fft.rfft(sound[begin : begin + window] * np.hanning(window)))
        loudest_hz = float(np.argmax(spectrum)) * RATE_HZ / window
        if abs(loudest_hz - pitch_hz) < max(0.01 * pitch_hz, RATE_HZ / window) and spectrum.max() > 0.005 * window:
            found.append(begin / RATE_HZ)
    return found


def sound_in(folder: Path) -> NDArray[np.float64]:
    """Read one channel of what was heard."""
    return np.fromfile(folder / HEARD, np.float32).reshape(-1, 2)[:, 0].astype(np.float64)


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 32_000])
def test_a_microphone_is_heard_by_a_part_of_its_name_at_the_rate_that_another_program_chose(
    rate_hz: int, microphone: str, words: list[str], tmp_path: Path
) -> None:
    part_of_its_name = microphone.rsplit(maxsplit=1)[-1]
    with Tone(1000, rate_hz), Mien.run(tmp_path, *words, "--microphone", part_of_its_name) as mien:
        wait_until(lambda: f"Microphone: {microphone}, {rate_hz} Hz" in mien.said, "the microphone is open")
        time.sleep(CALL_S)
        assert mien.end(signal.SIGINT) == 0, mien.said
    assert len(heard_at(sound_in(tmp_path), 1000)) > 5


def test_a_card_that_is_pulled_out_is_silence_until_it_is_back(
    card: Card, microphone: str, words: list[str], tmp_path: Path
) -> None:
    with Mien.run(tmp_path, *words, "--microphone", microphone) as mien:
        with Tone(1000):
            wait_until(lambda: f"Microphone: {microphone}" in mien.said, "the microphone is open")
            time.sleep(CALL_S)
        card.pull_out()
        wait_until(lambda: "gives no sound any more" in mien.said, "it is said that the card is gone")
        card.put_back()
        wait_until(lambda: mien.said.count(f"Microphone: {microphone}") == 2, "the microphone is back")
        with Tone(2000):
            time.sleep(CALL_S)
        assert mien.end(signal.SIGINT) == 0, mien.said
    assert "Expression" not in mien.said
    sound = sound_in(tmp_path)
    before, after = heard_at(sound, 1000), heard_at(sound, 2000)
    assert before
    assert after
    between = sound[round((before[-1] + 1) * RATE_HZ) : round((after[0] - 1) * RATE_HZ)]
    assert np.abs(between).max(initial=0) < 0.01


def test_the_delayed_microphone_is_heard_by_who_records_the_device_it_is_played_into(
    microphone: str, speaker: str, words: list[str], tmp_path: Path
) -> None:
    call = tmp_path / "call.wav"
    record = ["ffmpeg", "-v", "error", "-nostdin", "-f", "alsa", "-ac", "2", "-ar", str(RATE_HZ), "-i", CALL]
    with Tone(1000), Mien.run(tmp_path, *words, "--microphone", microphone, "--microphone-out", speaker) as mien:
        wait_until(lambda: f"played into {speaker}" in mien.said, "the card is played into")
        subprocess.run([*record, "-t", str(CALL_S), str(call)], check=True, timeout=PATIENCE_S)
        assert mien.end(signal.SIGINT) == 0, mien.said
    with av.open(str(call)) as container:
        pieces = [frame.to_ndarray().reshape(-1, 2)[:, 0] / 32768 for frame in container.decode(audio=0)]
    assert len(heard_at(np.concatenate(pieces).astype(np.float64), 1000)) > 5
