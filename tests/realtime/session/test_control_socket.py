"""The local socket: JSON both ways, for its owner only, and nobody who misuses it costs the session anything."""

import base64
import json
import multiprocessing
import os
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from multiprocessing.connection import Client, Connection
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.events import Event, EventQueue, SettingsApplied, Subscribers
from mien.pipeline.frame import State
from mien.pipeline.live.accounting import Snapshot
from mien.pipeline.live.state import Cause
from mien.pipeline.metrics import process_began_s
from mien.pipeline.report import Ages
from mien.session import messages
from mien.session.client import ControlError, SessionClient
from mien.session.rendezvous import announce, find_session, running_sessions, sessions_folder, withdraw
from mien.session.server import ControlServer
from mien.session.session import Applied, FaceInSight, Preview, Refused, SessionStatus, SettingsPatch
from mien_models.errors import MienError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks at the rights of files and at raw sockets")


class ScriptedSession:
    """A session that does what it is told at once."""

    def __init__(self) -> None:
        self.asked: list[SettingsPatch] = []
        self.is_private = False
        self.is_stopped = False
        self.subscribers = Subscribers()

    def status(self) -> SessionStatus:
        run = Snapshot(
            State.LIVE,
            "well",
            Cause.STARTING,
            30.0,
            29.9,
            Ages(1.0, 2.0, None),
            1.5,
            9,
            8,
            7,
            0,
            {},
            {},
            (),
            None,
            (),
            1,
        )
        return SessionStatus(
            "12ab34", run, {"size": "64x36"}, 3, (), ("anna",), {"net": "cpu"}, None, self.is_private, 1.0
        )

    def apply(self, patch: SettingsPatch) -> "Future[Applied | Refused]":
        self.asked.append(patch)
        answer: Future[Applied | Refused] = Future()
        is_good = "colour" in patch.values
        answer.set_result(Applied(4, ("colour",)) if is_good else Refused(3, {"shape": "It is round."}))
        return answer

    def set_privacy(self, *, on: bool) -> None:
        self.is_private = on

    def reveal(self) -> bool:
        return not self.is_private

    def stop(self) -> None:
        self.is_stopped = True

    def subscribe(self) -> EventQueue:
        return self.subscribers.add()

    def preview(self, width: int) -> Preview | None:
        return Preview(np.full((width // 2, width, 3), 90, np.uint8), 5, 0, State.LIVE)

    def split_recordings(self) -> tuple[str, ...]:
        return ("/films/show-2.mp4",)

    def freeze(self, *, on: bool) -> bool:
        return on and not self.is_private

    def camera_picture(self, width: int) -> Preview | None:
        return Preview(np.full((width // 2, width, 3), 200, np.uint8), 5, 0, State.LIVE)

    def faces_in_sight(self, side_px: int) -> tuple[FaceInSight, ...]:
        picture = np.full((side_px, side_px, 3), 30, np.uint8)
        return FaceInSight(4, 0, picture), FaceInSight(7, None, picture)


@pytest.fixture
def session() -> ScriptedSession:
    return ScriptedSession()


@pytest.fixture
def server(session: ScriptedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlServer]:
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "state"))
    with ControlServer(session) as server:
        yield server


def greeted() -> Connection:
    running = find_session()
    connection = Client(running.address, authkey=bytes.fromhex(running.key_hex))
    messages.Hello.model_validate_json(connection.recv_bytes())
    connection.send_bytes(messages.text_of(messages.Hello(version=messages.VERSION, program="a test")))
    return connection


def shade(jpeg: str) -> int:
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return round(float(picture.mean()))


def is_well() -> bool:
    with SessionClient(find_session()) as client:
        return client.status()["revision"] == 3


def test_everything_that_a_session_can_be_asked_is_answered(server: ControlServer, session: ScriptedSession) -> None:
    with SessionClient(find_session()) as client:
        status = client.status()
        assert status["settings"] == {"size": "64x36"}
        assert status["faces"] == ["anna"]
        applied = client.set({"colour": "mkl", "masks": ["none"]}, revision=3)
        assert (applied.kind, applied.revision) == ("applied", 4)
        assert session.asked[-1] == SettingsPatch({"colour": "mkl", "masks": ["none"]}, 3)
        refused = client.set({"shape": 9})
        assert isinstance(refused, messages.RefusedReply)
        assert refused.reasons == {"shape": "It is round."}
        assert client.set_privacy(on=None) is True
        assert not client.reveal()
        assert client.set_privacy(on=False) is False
        assert client.reveal()
        preview = client.preview(64)
        assert (preview.index, preview.state) == (5, "live")
        assert preview.jpeg is not None
        assert preview.camera_jpeg is None, "nobody asked for the real face"
        beside = client.preview(64, with_camera=True)
        assert beside.camera_jpeg is not None
        assert shade(beside.camera_jpeg) == 200
        assert client.freeze(on=True)
        assert not client.freeze(on=False)
        assert [(one.id, one.role, shade(one.jpeg)) for one in client.faces(32)] == [(4, 0, 30), (7, None, 30)]
        assert client.preview(64, newer_than=5).jpeg is None
        assert client.events().events == ()
        session.subscribers.hear(Event(1.0, SettingsApplied(1, ("shape",), (), (), "mesh")))
        (event,) = client.events(wait_s=5).events
        assert (event["kind"], event["changed"]) == ("SettingsApplied", ["shape"])
        client.stop()
    assert session.is_stopped


def test_only_its_owner_finds_and_enters_it(server: ControlServer) -> None:
    running = find_session()
    folder = sessions_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{running.name}.json").stat().st_mode) == 0o600
    with pytest.raises((multiprocessing.AuthenticationError, OSError, EOFError)):
        Client(running.address, authkey=b"guessed")
    assert is_well()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_cannot_connect(server: ControlServer) -> None:
    code = f"import os, socket; os.setuid(65534); socket.socket(socket.AF_UNIX).connect({find_session().address!r})"
    tried = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "PermissionError" in tried.stderr
    assert is_well()


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b"[1, 2]",
        b'{"kind": "dance"}',
        b'{"kind": "set"}',
        b'{"kind": "preview", "width": 100000}',
        b"\xff",
    ],
)
def test_a_message_that_means_nothing_is_refused_in_one_sentence(server: ControlServer, data: bytes) -> None:
    with greeted() as connection:
        connection.send_bytes(data)
        reply = json.loads(connection.recv_bytes())
        assert reply["kind"] == "failed"
        assert "not understood" in reply["why"]
        connection.send_bytes(b'{"kind": "status"}')
        assert json.loads(connection.recv_bytes())["kind"] == "status", "the connection can still be used"


def test_a_message_of_a_gigabyte_is_not_waited_for(server: ControlServer) -> None:
    with greeted() as connection:
        with socket.socket(fileno=os.dup(connection.fileno())) as raw:
            raw.sendall(struct.pack("!i", 2**30) + b"x" * 1000)
        with pytest.raises((EOFError, OSError)):
            connection.recv_bytes()
    assert is_well()


def test_pickles_are_nothing_but_bytes_that_cannot_be_read(server: ControlServer) -> None:
    with greeted() as connection:
        connection.send({"kind": "status"})
        assert json.loads(connection.recv_bytes())["kind"] == "failed"


@pytest.mark.parametrize(
    ("hello", "words"), [({"kind": "hello", "version": 99, "program": "new"}, "version"), ({"kind": "status"}, "hello")]
)
def test_another_version_is_told_so(server: ControlServer, hello: dict[str, object], words: str) -> None:
    running = find_session()
    with Client(running.address, authkey=bytes.fromhex(running.key_hex)) as connection:
        connection.recv_bytes()
        connection.send_bytes(json.dumps(hello).encode())
        assert words in json.loads(connection.recv_bytes())["why"]
        with pytest.raises(EOFError):
            connection.recv_bytes()
    assert is_well()


def test_clients_that_say_nothing_keep_nobody_out(server: ControlServer) -> None:
    running = find_session()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for one in silent:
        one.connect(running.address)
    assert is_well()
    for one in silent:
        one.close()


def test_a_session_that_ends_says_so(session: ScriptedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "state"))
    with ControlServer(session):
        client = SessionClient(find_session())
        client.__enter__()
    with pytest.raises(ControlError, match="has ended"):
        client.status()
    client.__exit__(None, None, None)
    assert running_sessions() == ()
    with pytest.raises(MienError, match="mien run"):
        find_session()


def test_several_sessions_have_to_be_told_apart_and_dead_ones_are_forgotten(
    server: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_session()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        other = {**json.loads((sessions_folder() / f"{first.name}.json").read_text()), "name": str(sleeper.pid)}
        other["started"] = process_began_s(sleeper.pid)
        (sessions_folder() / f"{sleeper.pid}.json").write_text(json.dumps(other))
        with pytest.raises(MienError, match=rf"2 sessions run: .*{sleeper.pid}.*--session"):
            find_session()
        assert find_session(first.name) == first
        with pytest.raises(MienError, match="'77777777'"):
            find_session("77777777")
    finally:
        sleeper.kill()
        sleeper.wait()
    # The file of a dead session goes; its socket had another name than that of the living one.
    other["address"] = str(sessions_folder() / "gone.socket")
    (sessions_folder() / f"{sleeper.pid}.json").write_text(json.dumps(other))
    assert running_sessions() == (first,)
    assert not (sessions_folder() / f"{sleeper.pid}.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps the time itself")
def test_a_session_is_found_after_somebody_has_set_the_clock(
    server: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 1.0)
    assert running_sessions() != ()


def test_a_folder_too_deep_for_a_socket_is_gone_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / ("deep" * 30)))
    running = announce()
    assert len(os.fsencode(running.address)) <= 100
    withdraw(running)


def test_a_state_folder_that_cannot_be_written_is_said_and_the_session_goes_on(
    session: ScriptedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "file"))
    with ControlServer(session):
        assert "cannot reach this session" in caplog.text


def test_an_event_queue_is_bounded_and_counts_what_it_lost() -> None:
    queue = EventQueue(kept=3)
    for number in range(5):
        queue.put(Event(float(number), SettingsApplied(number, (), (), (), "mesh")))
    assert queue.missed == 2
    first = queue.get(0)
    assert first is not None
    assert first.at_s == 2.0
    queue.close()
    began_s = time.monotonic()
    assert [queue.get(5) is not None for _ in range(3)] == [True, True, False]
    assert time.monotonic() - began_s < 4, "a closed queue is not waited for"
