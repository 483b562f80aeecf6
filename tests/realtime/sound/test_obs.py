"""OBS holds its microphone back by what is measured, and gets back what it had."""

import logging
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from tests.realtime.panel.panel_rig import wait_until
from tests.realtime.sound.obs_server import ObsServer

from mien.sound import obs
from mien.sound.obs import ObsMicrophone, ObsWish, obs_wish, password_of
from mien_models.errors import UsageError

PASSWORD = "correct-horse"


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.away: list[str] = []


@contextmanager
def microphone(
    port: int, password: str = "", name: str | None = None, delay_ms: Callable[[], int] = lambda: 85
) -> Generator[Heard]:
    heard = Heard()
    wish = ObsWish("127.0.0.1", port, name)
    one = ObsMicrophone(wish, password, delay_ms, lambda *told: heard.told.append(told), heard.away.append)
    one.start()
    try:
        yield heard
    finally:
        one.close()


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_obs_holds_its_microphone_back_while_the_run_lasts(
    password: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    now_ms = [85]
    with ObsServer(password) as server:
        with microphone(server.port, password or "", delay_ms=lambda: now_ms[0]) as heard:
            wait_until(lambda: heard.told == [("Mic/Aux", 85)])
            now_ms[0] = 90  # nobody hears that, and each change is a gap
            wait_until(lambda: server.offsets["Mic/Aux"] == 85)
            now_ms[0] = 130
            wait_until(lambda: heard.told == [("Mic/Aux", 85), ("Mic/Aux", 130)])
        assert server.set_ms == [("Mic/Aux", 85), ("Mic/Aux", 130), ("Mic/Aux", 20)]
    assert heard.away == []
    assert PASSWORD not in caplog.text
    assert "authentication" not in caplog.text


def test_the_input_can_be_named() -> None:
    with ObsServer() as server:
        with microphone(server.port, name="Desktop Audio") as heard:
            wait_until(lambda: heard.told == [("Desktop Audio", 85)])
        with microphone(server.port, name="Desktop Audi") as heard:
            wait_until(lambda: bool(heard.away))
    assert heard.away == ["OBS has no input 'Desktop Audi'; did you mean 'Desktop Audio'?"]


def test_a_wrong_password_is_said_once_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs, "_AGAIN_S", 0.05)
    with ObsServer(PASSWORD) as server, microphone(server.port, "wrong-one") as heard:
        wait_until(lambda: bool(heard.away))
        wait_until(lambda: not any(thread.name == "mien-obs" for thread in threading.enumerate()))
    assert len(heard.away) == 1
    assert "wants another password" in heard.away[0]
    assert "wrong-one" not in heard.away[0]


def test_obs_that_begins_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs, "_AGAIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with microphone(port) as heard:
        wait_until(lambda: bool(heard.away))
        with ObsServer(port=port):
            wait_until(lambda: heard.told == [("Mic/Aux", 85)])
        wait_until(lambda: len(heard.away) == 3)
    assert "does not answer" in heard.away[0]
    assert "has gone" in heard.away[1] or "does not answer any more" in heard.away[1]


def test_an_offset_that_shows_no_effect_is_said() -> None:
    with ObsServer(keeps=False) as server, microphone(server.port) as heard:
        wait_until(lambda: bool(heard.away))
    assert heard.away == ["OBS was asked to hold 'Mic/Aux' back by 85 ms and holds it back by 20 ms."]


def test_what_is_no_obs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs, "_ANSWERS_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, microphone(silent.getsockname()[1]) as heard:
        wait_until(lambda: bool(heard.away))
    with socket.create_server(("127.0.0.1", 0)) as rude, microphone(rude.getsockname()[1]) as also:
        peer, _ = rude.accept()
        peer.recv(4096)
        peer.sendall(b"SSH-2.0-nothing\r\n\r\n")
        peer.close()
        wait_until(lambda: bool(also.away))
    assert "OBS" in heard.away[0]
    assert "is not OBS's WebSocket server" in also.away[0]


@pytest.mark.parametrize(
    ("address", "expected"),
    [("localhost", ("localhost", 4455)), ("box:5000", ("box", 5000)), ("ws://[::1]:4455", ("::1", 4455))],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    wish = obs_wish(address, None)
    assert (wish.host, wish.port) == expected


@pytest.mark.parametrize("address", ["", "host:port", "http://host", "host/path", "a b", "host:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="Expected OBS's address"):
        obs_wish(address, None)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="MIEN_OBS_PASSWORD") as refused:
        obs_wish(f"ws://:{PASSWORD}@localhost", None)
    assert PASSWORD not in str(refused.value)


def test_the_password_comes_from_environment_keychain_or_person(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = ObsWish("localhost", 4455, None)
    kept = {("mien-obs", "localhost:4455"): "kept"}
    monkeypatch.setattr("keyring.get_password", lambda service, name: kept.get((service, name)))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "typed")
    monkeypatch.delenv("MIEN_OBS_PASSWORD", raising=False)
    assert password_of(wish, can_ask=True) == "kept"
    kept.clear()
    assert password_of(wish, can_ask=True) == "typed"
    assert password_of(wish, can_ask=False) == ""
    monkeypatch.setenv("MIEN_OBS_PASSWORD", "given")
    assert password_of(wish, can_ask=True) == "given"
