"""The panel as a program: its address, its refusals over real sockets, and a session that outlives it."""

import asyncio
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.realtime.panel.panel_rig import RunningPanel, is_live, panel_with_session, session, wait_until

from mien.config.page_address import local_addresses
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


@pytest.mark.skipif(not local_addresses(), reason="this machine is in no local network")
def test_a_guest_with_the_code_sees_what_others_see_and_nothing_else(tmp_path: Path) -> None:
    with_session = panel_with_session(tmp_path, "--lan", log=tmp_path / "said.txt")
    panel = next(with_session)
    try:
        wait_until(lambda: "with the code" in (tmp_path / "said.txt").read_text(), "no code is said")
        said = (tmp_path / "said.txt").read_text()
        code = said.partition("with the code ")[2][:6]
        host = f"{local_addresses()[0]}:{panel.port}"
        assert host in said
        wait_until(is_live)
        here = {"Host": host, "Origin": f"http://{host}"}

        def ask(
            method: str, path: str, body: bytes | None = None, cookie: str = ""
        ) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request(method, path, body, {**here, "Cookie": cookie})
            answer = connection.getresponse()
            found = answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
            connection.close()
            return found

        assert ask("GET", f"/live?{urlsplit(panel.address).query}")[0] == 401, "the token is for this machine"
        status, headers, _ = ask("POST", "/enter", f"code={code}".encode())
        assert status == 303
        cookie = headers["set-cookie"].partition(";")[0]
        status, _, page = ask("GET", "/live", cookie=cookie)
        assert status == 200
        assert b"mien-preview" in page
        assert b"data-compare" not in page
        for path in ("/start", "/people", "/outputs", "/faces", "/models", "/machines"):
            assert ask("GET", path, cookie=cookie)[0] == 303, path
        assert ask("GET", "/mien.toml", cookie=cookie)[0] == 403
        assert ask("POST", "/upload/photo", b"x", cookie=cookie)[0] == 403
        pictures = asyncio.run(first_pictures(f"ws://{host}/preview", {**here, "Cookie": cookie}))
        assert {one[:1] for one in pictures} == {b"s"}, "a guest asked for the camera's own picture and got it"
    finally:
        next(with_session, None)


async def first_pictures(address: str, headers: dict[str, str]) -> list[bytes]:
    from websockets.asyncio.client import connect

    found: list[bytes] = []
    headers = {name: text for name, text in headers.items() if name != "Host"}
    async with connect(address, additional_headers=headers, max_size=2**24) as socket:
        for _ in range(3):
            await socket.send('{"width": 160, "camera": true}')
            got = await asyncio.wait_for(socket.recv(), 60)
            assert isinstance(got, bytes)
            found.append(got)
    return found
