"""Downloads from a server of our own, which breaks off, lies and sends elsewhere."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from tests.http_files import CONTENT, SHA256, Behaviour, serving

from mien_models.errors import MienError, ModelError, UsageError
from mien_models.library.download import Downloaded, fetch
from mien_models.library.web import open_address


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def address(behaviour: Behaviour) -> Iterator[str]:
    with serving(behaviour) as where:
        yield where


def fetched(address: str, folder: Path, sha256: str | None = None) -> Downloaded:
    return fetch(address, folder, sha256=sha256, progress=lambda _done, _total: None, pause_s=0)


def test_a_file_comes_whole_and_is_told_as_it_grows(address: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    url = f"{address}/net.onnx?token=secret"
    got = fetch(url, tmp_path, sha256=SHA256.upper(), progress=lambda done, total: seen.append((done, total)))
    assert got.path.read_bytes() == CONTENT
    assert (got.file, got.sha256, got.origin) == ("net.onnx", SHA256, f"{address}/net.onnx")
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1


def test_a_broken_connection_goes_on_where_it_broke(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.breaks_after = [300_000, 200_000]
    assert fetched(f"{address}/net.onnx", tmp_path, SHA256).path.read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_download_that_was_given_up_goes_on_next_time(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.breaks_after = [300_000, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError, match=r"0\.3 MB are kept\. Run the same command again"):
        fetched(f"{address}/net.onnx", tmp_path)
    behaviour.breaks_after, behaviour.asked = [], []
    assert fetched(f"{address}/net.onnx", tmp_path, SHA256).path.read_bytes() == CONTENT
    assert behaviour.asked == ["bytes=300000-"]


def test_what_changed_meanwhile_is_begun_anew(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.breaks_after = [300_000, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError):
        fetched(f"{address}/net.onnx", tmp_path)
    behaviour.breaks_after, behaviour.content, behaviour.tag = [], CONTENT[::-1], '"v2"'
    assert fetched(f"{address}/net.onnx", tmp_path).path.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("tag", ["", 'W/"v1"'])
def test_without_a_sure_version_it_is_begun_anew(address: str, behaviour: Behaviour, tag: str, tmp_path: Path) -> None:
    behaviour.tag, behaviour.breaks_after = tag, [300_000]
    assert fetched(f"{address}/net.onnx", tmp_path, SHA256).path.read_bytes() == CONTENT
    assert behaviour.asked == [None, None]


def test_a_server_without_ranges_or_lengths_will_do(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.has_ranges, behaviour.breaks_after = False, [300_000]
    assert fetched(f"{address}/net.onnx", tmp_path, SHA256).path.read_bytes() == CONTENT
    behaviour.says_length = False
    assert fetched(f"{address}/net.onnx?2", tmp_path, SHA256).path.read_bytes() == CONTENT


def test_a_server_that_never_gets_further_is_given_up(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.has_ranges, behaviour.breaks_after = False, [1000] * 50
    with pytest.raises(ModelError, match="does not come whole"):
        fetched(f"{address}/net.onnx", tmp_path)
    assert len(behaviour.asked) < 10


def test_a_wrong_hash_is_refused_and_thrown_away(address: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"should be {'0' * 64}, is {SHA256}"):
        fetched(f"{address}/net.onnx", tmp_path, "0" * 64)
    assert not list(tmp_path.iterdir())


def test_a_file_too_large_for_a_network_is_refused_before_it_comes(
    address: str, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien_models.library.download.LARGEST_BYTES", len(CONTENT) - 1)
    for behaviour.says_length in (True, False):
        with pytest.raises(ModelError, match="has more than"):
            fetched(f"{address}/net.onnx", tmp_path)
        assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_before_the_download(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien_models.library.download._SPARE_BYTES", 2**62)
    with pytest.raises(ModelError, match="Free some space"):
        fetched(f"{address}/net.onnx", tmp_path)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/nothing", "the server says 404"),
        ("/elsewhere/file:///etc/passwd", "302"),
        ("/elsewhere/ftp://127.0.0.1/net.onnx", "not as safe"),
        ("/elsewhere//elsewhere//elsewhere//elsewhere//elsewhere//elsewhere//elsewhere//net.onnx", "302"),
        ("/elsewhere/http://[a", "an address that is none"),
        ("/elsewhere/http://127.0.0.1:http/", "nonnumeric port"),
        (f"/elsewhere/http://{'a' * 64}.example/", "encoding|label|does not come"),
    ],
)
def test_a_server_that_does_not_give_it_is_named(address: str, path: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=what) as refusal:
        fetched(address + path, tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("path", ["/nothing", "/elsewhere//nothing", "/elsewhere/file:///etc/passwd"])
def test_a_refusal_keeps_no_connection_open(address: str, path: str) -> None:
    with pytest.raises(HTTPError) as refusal:
        open_address(address + path, {})
    assert refusal.value.closed


def test_a_server_may_send_to_another_place(address: str, tmp_path: Path) -> None:
    assert fetched(f"{address}/elsewhere//net.onnx", tmp_path, SHA256).path.read_bytes() == CONTENT


def test_nobody_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not come"):
        fetched("http://127.0.0.1:9/net.onnx", tmp_path)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,abc", "https:///a", "http://me:word@127.0.0.1/a"]
)
def test_only_the_web_is_asked(address: str) -> None:
    with pytest.raises(UsageError) as refusal:
        open_address(address, {})
    assert "word@" not in str(refusal.value)


@pytest.mark.parametrize("sha256", ["abc", "z" * 64, ""])
def test_a_hash_that_is_none_is_wrong_usage(sha256: str, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="64 hexadecimal digits"):
        fetched("http://127.0.0.1:9/net.onnx", tmp_path, sha256)


@pytest.mark.parametrize("name", ["net.onnx?of=modèle", "net.onnx/ein Modell 図", "net.onnx?a=100%25&b=[1]"])
def test_an_address_may_have_the_letters_that_a_browser_shows(address: str, tmp_path: Path, name: str) -> None:
    assert fetched(f"{address}/{name}", tmp_path, SHA256).path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "wrong", ["http://[::1", "https://", "http://a\udcff.example/x", "http://x..y/ü", "http://a:99999/x"]
)
def test_an_address_that_is_none_is_one_sentence(tmp_path: Path, wrong: str) -> None:
    with pytest.raises((UsageError, ModelError)):
        fetched(wrong, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
def test_a_disk_that_fills_is_said_at_once_and_not_tried_again(
    address: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    code = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
from mien_models.errors import ModelError
from mien_models.library.download import fetch
try:
    fetch(sys.argv[1], Path(sys.argv[2]), sha256=None, progress=lambda *_: None, pause_s=30)
except ModelError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, f"{address}/net.onnx", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "it grew larger than the disk or the system allows" in done.stdout
    assert behaviour.asked == [None]
