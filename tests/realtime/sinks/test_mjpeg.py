"""MJPEG as OpenCV's own reader and a plain socket see it."""

import socket
import threading
import time
from collections.abc import Generator
from urllib.parse import urlsplit

import cv2
import pytest
from tests.realtime.panel.panel_rig import wait_until
from tests.realtime.sinks.clapping import FORMAT, send

from mien.sinks.backends.mjpeg import MjpegSink
from mien_models.errors import SinkError


@pytest.fixture
def sink() -> Generator[MjpegSink]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ending = threading.Event()
    made = MjpegSink(str(port), FORMAT)
    with made:
        thread = threading.Thread(target=send, args=(made, 600, ending.is_set))
        thread.start()
        yield made
        ending.set()
        thread.join()


def test_a_player_sees_the_pictures(sink: MjpegSink) -> None:
    player = cv2.VideoCapture(sink.addresses[0])
    for _ in range(20):
        is_there, picture = player.read()
        assert is_there
        assert picture is not None
        assert picture.shape == (FORMAT.height, FORMAT.width, 3)
    player.release()
    wait_until(lambda: sink.watching == 0, "who has gone still counts")


def stuck(sink: MjpegSink) -> socket.socket:
    """Ask for the pictures and never read one."""
    parts = urlsplit(sink.addresses[0])
    one = socket.create_connection((parts.hostname or "", parts.port or 0))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return one


def test_a_viewer_that_takes_nothing_keeps_none_waiting(sink: MjpegSink) -> None:
    with stuck(sink), stuck(sink):
        wait_until(lambda: sink.watching == 2)
        player = cv2.VideoCapture(sink.addresses[0])
        began_s, seen = time.monotonic(), 0
        while time.monotonic() - began_s < 3:
            seen += player.read()[0]
        player.release()
    assert seen > 15


def test_without_the_token_there_is_nothing(sink: MjpegSink) -> None:
    parts = urlsplit(sink.addresses[0])
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as one:
        one.sendall(b"GET /guess HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 404")


def test_a_port_that_is_taken_is_one_sentence(sink: MjpegSink) -> None:
    port = urlsplit(sink.addresses[0]).port
    with pytest.raises(SinkError, match=f"Port {port} cannot be opened"):
        MjpegSink(str(port), FORMAT).__enter__()
