"""Streams that do not answer, hang up, or hide a password in their address; limits are shortened, nothing is timed."""

import socket
import threading
from collections.abc import Generator

import pytest

from mien.sources.backends import url
from mien.sources.backends.url import UrlSource
from mien_models.errors import SourceError


@pytest.fixture
def silent_port() -> Generator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_hangs_is_given_up(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url, "_OPEN_TIMEOUT_S", 0.3)
    with pytest.raises(SourceError, match="did not answer"):
        UrlSource(f"http://127.0.0.1:{silent_port}/video").__enter__()


def test_nobody_there_is_said_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError, match=r"cannot be opened: .*refused.*Check the address"):
        UrlSource(f"http://127.0.0.1:{port}/video").__enter__()


def test_a_password_is_never_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError) as raised:
        UrlSource(f"http://me:secret@127.0.0.1:{port}/video").__enter__()
    assert "secret" not in str(raised.value)


def test_a_page_that_is_no_video_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url, "_OPEN_TIMEOUT_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                connection, _address = server.accept()
                with connection:
                    connection.recv(4096)
                    page = b"<html>not a video</html>"
                    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(SourceError, match=r"cannot be opened|sends no video"):
            UrlSource(f"http://127.0.0.1:{port}/").__enter__()
