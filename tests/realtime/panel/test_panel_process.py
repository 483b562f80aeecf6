"""The panel as a program: its address, its refusals over real sockets, and a session that outlives it."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.realtime.panel.panel_rig import RunningPanel, is_live, panel_with_session, session, wait_until

from mien.session.rendezvous import running_sessions

pytestmark = pytest.mark.slow


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[RunningPanel]:
    yield from panel_with_session(tmp_path)


def websocket_status(panel: RunningPanel, path: str, **headers: str) -> int:
    """Ask for a WebSocket by hand and give the status."""
    given = {
        "Host": f"127.0.0.1:{panel.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items()), "", ""]
    with socket.create_connection(("127.0.0.1", panel.port), timeout=30) as one:
        one.sendall("\r\n".join(lines).encode())
        return int(one.recv(4096).split()[1])


def test_it_prints_its_address_lets_in_who_has_it_and_its_session_outlives_it(panel: RunningPanel) -> None:
    parts = urlsplit(panel.address)
    assert (parts.scheme, parts.hostname, parts.port) == ("http", "127.0.0.1", panel.port)
    assert len(parse_qs(parts.query)["token"][0]) >= 32
    status, headers, _ = panel.ask("GET", "/live")
    assert (status, headers.get("set-cookie")) == (403, None)
    cookie = panel.cookie()
    status, headers, page = panel.ask("GET", "/live", headers={"Cookie": cookie})
    assert status == 200
    assert b"mien-preview" in page
    assert "default-src 'self'" in headers["content-security-policy"]
    for path in ("/preview", "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"):
        own = {"Cookie": cookie, "Origin": panel.base}
        assert websocket_status(panel, path, **own) == 101
        assert websocket_status(panel, path, Origin=panel.base) == 403
        assert websocket_status(panel, path, Cookie=cookie) == 403
        assert websocket_status(panel, path, Cookie=cookie, Origin="http://evil.example") == 403
        assert websocket_status(panel, path, **own, Host=f"rebound.example:{panel.port}") == 403
    assert panel.ask("GET", "/live", headers={"Cookie": cookie, "Host": f"rebound.example:{panel.port}"})[0] == 421
    assert panel.ask("GET", "/live", headers={"Cookie": cookie, "Origin": "http://evil.example"})[0] == 403
    assert panel.ask("POST", "/upload/photo", b"x", {"Cookie": cookie})[0] == 403
    wait_until(is_live, "the session that the panel started is not live")
    (before,) = running_sessions()
    panel.kill()
    assert is_live()
    panel.start()
    assert panel.ask("GET", "/live", headers={"Cookie": cookie})[0] == 200, "a page that was open goes on"
    assert running_sessions() == (before,), "the new panel took the session that ran"
    panel.stop()
    assert is_live()


def test_nothing_of_the_disk_has_an_address_and_uploads_are_bounded_and_named_by_us(panel: RunningPanel) -> None:
    own = {"Cookie": panel.cookie(), "Origin": panel.base}
    for path in (
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2fapp.py",
        "/photo/..%2f..%2ftoken/thumb.jpg",
        "/photo/0123456789abcdef01/thumb.jpg",
        "/face/..%2f..%2fetc.jpg",
        "/camera/%2fdev%2fvideo0.jpg",
        "/preset/..%2f..%2flast/mien.toml",
        "/etc/passwd",
        "/docs",
        "/openapi.json",
    ):
        assert panel.ask("GET", path, headers=own)[0] == 404, path
    assert panel.ask("POST", "/upload/person", b"x", own)[0] == 403
    assert panel.ask("POST", "/upload/photo", b"", own)[0] == 413
    status, _, body = panel.ask("POST", "/upload/photo", b"no picture", own)
    assert status == 200
    assert len(body) < 64
    # A body that never ends is cut at the limit, not kept in memory and not kept on the disk.
    connection = socket.create_connection(("127.0.0.1", panel.port), timeout=60)
    head = [f"{name}: {text}" for name, text in {**own, "Host": f"127.0.0.1:{panel.port}"}.items()]
    connection.sendall(
        "\r\n".join(["POST /upload/photo HTTP/1.1", *head, "Content-Length: 99999999999", "", ""]).encode()
    )
    answer = b""
    try:
        for _ in range(64):
            connection.sendall(b"\0" * 2**20)
    except OSError:
        pass
    try:
        answer = connection.recv(4096)
    except OSError:
        answer = b"HTTP/1.1 413"
    connection.close()
    assert int(answer.split()[1]) == 413


def test_a_port_that_is_taken_is_said_and_the_usual_one_gives_way(panel: RunningPanel) -> None:
    from tests.real_runs import mien, sentence_of

    done = mien("panel", "--no-browser", "--port", str(panel.port))
    assert done.returncode == 1
    assert f"Port {panel.port}" in sentence_of(done.stderr)
    assert mien("panel", "--no-browser", "--port", "70000").returncode == 2
    with session() as client:
        assert client.status()["camera"] == "synthetic"
