"""Streams by WHIP: to a server that takes them, ones that refuse, hang or die, and keys that must never be read."""

import ssl
import subprocess
from pathlib import Path

import pytest
from tests.realtime.sinks.clapping import FORMAT, clapping_sound, send
from tests.realtime.sinks.test_watch import free_port
from tests.realtime.sinks.whip_server import TOKEN, WhipServer

from mien.sinks.backends.whip import whip_address, whip_sink
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import make_sink, shown_spec
from mien.sinks.streaming import StreamSink
from mien_models.errors import SinkError, UsageError


def sink_for(port: int, token: str = TOKEN, scheme: str = "http", path: str = "live/key") -> StreamSink:
    return whip_sink(f"{scheme}://{token}@127.0.0.1:{port}/{path}", FORMAT)


def test_a_server_gets_picture_and_sound_and_is_told_the_end() -> None:
    with WhipServer(free_port()) as server, clapping_sound() as hub:
        sink = sink_for(server.port)
        sink.studio = Studio(hub=hub)
        with sink:
            send(sink, 40, until=lambda: server.counts["video"] > 30 and server.counts["audio"] > 60)
            assert sink.is_confirmed
        assert server.counts["video"] > 30
        assert server.counts["audio"] > 60
        assert server.deleted == 1


def test_a_stream_comes_back_with_its_server() -> None:
    port, news = free_port(), list[str | None]()
    sink = sink_for(port)
    sink.on_line = news.append
    server = WhipServer(port)
    with server:
        sink.__enter__()
        send(sink, 40, until=lambda: server.counts["video"] > 5)
    send(sink, 40, until=lambda: bool(news))
    with WhipServer(port) as other:
        send(sink, 40, until=lambda: other.counts["video"] > 5)
        assert other.counts["video"] > 5
        sink.__exit__(None, None, None)
    assert news[0] is not None
    assert news[-1] is None


@pytest.mark.parametrize(
    ("server", "token", "path", "sentence"),
    [
        ({}, "wrong", "live/key", "check the stream key"),
        ({}, TOKEN, "live/other", "takes no WHIP at this address"),
        ({"status": 503}, TOKEN, "live/key", "refuses the stream .HTTP 503."),
        ({"status": 200}, TOKEN, "live/key", "refuses the stream .HTTP 200."),
        ({"answer": "hello"}, TOKEN, "live/key", "none of WebRTC"),
        ({"answer": ""}, TOKEN, "live/key", "none of WebRTC"),
        ({"hangs": True}, TOKEN, "live/key", "says nothing"),
    ],
)
def test_a_server_that_refuses_is_one_sentence_within_seconds(
    server: dict[str, object], token: str, path: str, sentence: str
) -> None:
    with WhipServer(free_port(), **server) as here:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        sink = sink_for(here.port, token, path=path)
        with pytest.raises(SinkError, match=sentence) as refused, sink:
            send(sink, 30)
    assert TOKEN not in str(refused.value)
    assert "key/" not in str(refused.value)


def test_what_is_not_reached_is_said_in_one_sentence() -> None:
    for url, sentence in (
        (f"http://127.0.0.1:{free_port()}/whip", "takes no streams"),
        ("https://no-such-host.invalid/whip", "no computer named"),
    ):
        sink = whip_sink(url, FORMAT)
        with pytest.raises(SinkError, match=sentence), sink:
            send(sink, 30)


@pytest.mark.logs_errors  # the server's, of the handshake that was refused
def test_nothing_goes_to_a_server_whose_certificate_does_not_fit(tmp_path: Path) -> None:
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout {key} -out {chain}"
    subprocess.run(command.split(), check=True, capture_output=True)
    server = WhipServer(free_port())
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(chain, key)
    with server:
        sink = sink_for(server.port, scheme="https")
        with pytest.raises(SinkError, match="certificate that does not fit; nothing was sent"), sink:
            send(sink, 30)
    assert server.counts["video"] == 0


@pytest.mark.parametrize(
    "spec", [f"whip:https://{TOKEN}@host/{TOKEN}?x={TOKEN}", f"whip:http://u:{TOKEN}@host:8080/{TOKEN}"]
)
def test_no_key_is_shown(spec: str) -> None:
    assert TOKEN not in shown_spec(spec)
    assert "host" in shown_spec(spec)
    assert TOKEN not in make_sink(spec, FORMAT).description
    assert TOKEN not in repr(whip_address(spec.removeprefix("whip:")))


@pytest.mark.parametrize(
    "spec", ["whip:", "whip:host/path", "whip:ftp://host/x", "whip:https://", "whip:https://h:99999/"]
)
def test_an_address_that_lacks_a_part_is_wrong_usage(spec: str) -> None:
    with pytest.raises(UsageError):
        make_sink(spec, FORMAT)


def test_a_line_that_loses_packets_gets_fewer_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    with WhipServer(free_port()) as server:
        sink = sink_for(server.port)
        with sink:
            send(sink, 40, until=lambda: server.counts["video"] > 5)
            before = sink.bit_rate
            assert before is not None
            monkeypatch.setattr("mien.sinks.backends.whip.WhipConnection.is_lossy", True)
            send(sink, 20, until=lambda: (sink.bit_rate or 0) < before)
            assert sink.bit_rate is not None
            assert sink.bit_rate < before
