"""The watch page without a browser: who may see it, what is sent to whom, and offers that are none."""

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from tests.realtime.panel.panel_rig import wait_until
from tests.realtime.sinks.clapping import FORMAT, clapping_sound, send
from tests.realtime.sinks.web_viewer import Viewer

from mien.config.page_address import local_addresses
from mien.sinks.backends.watch import WatchSink
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import make_sink
from mien_models.errors import SinkError, UsageError


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def sink() -> Generator[WatchSink]:
    ending = threading.Event()
    made = WatchSink(str(free_port()), FORMAT)
    with clapping_sound() as hub:
        made.studio = Studio(hub=hub)
        with made:
            thread = threading.Thread(target=send, args=(made, 600, ending.is_set))
            thread.start()
            yield made
            ending.set()
            thread.join()


def asked(address: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(address, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def an_offer(kinds: str = "video audio", codec: str = "H264/90000") -> bytes:
    head = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(map(str, range(len(kinds.split())))),
    ]
    for mid, kind in enumerate(kinds.split()):
        name = codec if kind == "video" else "opus/48000/2"
        head += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF 96",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            "a=recvonly",
            "a=rtcp-mux",
            f"a=rtpmap:96 {name}",
            "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f" if codec.startswith("H264") else "a=x",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:abcdabcdabcdabcdabcdabcd",
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
            "a=setup:actpass",
        ]
    return "\r\n".join([*head, ""]).encode()


def test_whoever_has_the_address_sees_and_hears(sink: WatchSink) -> None:
    with Viewer(sink.addresses[0]) as viewer:
        viewer.wait(lambda: viewer.counts["video"] > 20 and viewer.counts["audio"] > 50)


RUBBISH = {
    "nothing": b"",
    "words": b"hello",
    "bytes": bytes(range(256)) * 20,
    "half an offer": an_offer()[: len(an_offer()) // 2],
    "no codec that is sent": an_offer(codec="VP9/90000"),
    "no place for a picture": an_offer("audio"),
    "ten thousand lines": b"a=x\r\n" * 10_000,
    "json": b'{"type": "offer", "sdp": 7}',
    "no fingerprint": an_offer().replace(b"a=fingerprint", b"a=nothing"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_an_offer_that_is_none_is_one_sentence(sink: WatchSink, kind: str) -> None:
    status, text = asked(f"{sink.addresses[0]}/offer", RUBBISH[kind])
    assert status == 400
    assert text.startswith("Expected the offer of a browser")
    assert "\n" not in text
    wait_until(lambda: sink.watching == 0)


def test_rubbish_and_people_who_never_come_cost_a_viewer_nothing(sink: WatchSink) -> None:
    with Viewer(sink.addresses[0]) as viewer:
        viewer.wait(lambda: viewer.counts["video"] > 5)
        for data in RUBBISH.values():
            asked(f"{sink.addresses[0]}/offer", data)
        for _ in range(3):
            assert asked(f"{sink.addresses[0]}/offer", an_offer())[0] == 201
        before = viewer.counts["video"]
        viewer.wait(lambda: viewer.counts["video"] > before + 20)


def test_too_many_are_told_so(sink: WatchSink) -> None:
    answers = [asked(f"{sink.addresses[0]}/offer", an_offer()) for _ in range(14)]
    assert [status for status, _ in answers].count(201) == 12
    assert answers[-1][0] == 503
    assert "watch already" in answers[-1][1]


def test_a_huge_offer_is_not_read(sink: WatchSink) -> None:
    assert asked(f"{sink.addresses[0]}/offer", b"x" * 1_000_000)[0] == 413


@pytest.mark.parametrize("path", ["/", "/wrong", "/wrong/", "/../etc/passwd"])
def test_without_the_token_there_is_nothing(sink: WatchSink, path: str) -> None:
    parts = urlsplit(sink.addresses[0])
    status, text = asked(f"http://{parts.netloc}{path}")
    assert status == 404
    assert "video" not in text


def test_it_listens_on_this_computer_only_unless_it_is_opened_to_the_network(sink: WatchSink) -> None:
    port = urlsplit(sink.addresses[0]).port
    assert port is not None
    for host in local_addresses():
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection(host, port, timeout=2).request("GET", "/")
    opened = WatchSink(str(free_port()), FORMAT)
    opened.studio = Studio(is_in_lan=True)
    with opened:
        assert len(opened.addresses) == 1 + len(local_addresses())
        assert [asked(address)[0] for address in opened.addresses] == [200] * len(opened.addresses)


def test_an_answer_names_no_address_but_this_computers(sink: WatchSink) -> None:
    _, text = asked(f"{sink.addresses[0]}/offer", an_offer())
    found = [line.split()[4] for line in text.splitlines() if line.startswith("a=candidate")]
    assert found
    assert set(found) == {"127.0.0.1"}


def test_the_token_stays_and_is_in_no_description(sink: WatchSink) -> None:
    token = urlsplit(sink.addresses[0]).path.strip("/")
    assert len(token) >= 24
    assert token not in sink.description
    other = WatchSink(str(free_port()), FORMAT)
    with other:
        assert other.addresses[0].endswith(token)


def test_for_nobody_nothing_is_encoded(sink: WatchSink) -> None:
    with Viewer(sink.addresses[0]) as viewer:
        viewer.wait(lambda: viewer.counts["video"] > 5)
        assert sink.studio.hub is not None
        assert sink.studio.hub.status.state.value == "on"
    viewer.wait(
        lambda: sink.watching == 0 and sink.studio.hub is not None and sink.studio.hub.status.state.value == "off"
    )


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SinkError, match=f"Port {port} cannot be opened: .*Choose another one"):
            WatchSink(str(port), FORMAT).__enter__()


@pytest.mark.parametrize("target", ["0", "70000", "abc", "-1", "8.5"])
def test_a_port_that_is_none_is_wrong_usage(target: str) -> None:
    with pytest.raises(UsageError, match="Expected a port"):
        make_sink(f"watch:{target}", FORMAT)
