"""What strangers' credentials say, and broken ones: never a crash, nothing fetched, nothing unsafe on a terminal."""

import io
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest
from PIL import Image

from mien.diagnostics.verify.answer import words
from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.provenance.c2pa.identity import own_identity
from mien.provenance.c2pa.sign import NOTHING_FETCHED, Signer
from mien_models.errors import UsageError
from mien_models.system import folders

CREATED = {
    "action": "c2pa.created",
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
}


def picture() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(content, "JPEG")
    return content.getvalue()


def strangers(path: Path, said: dict[str, Any], *, address: str | None = None, is_inside: bool = True) -> Path:
    """Write a picture with credentials as another program would."""
    identity = own_identity(folders.data_folder() / "stranger")
    signer = c2pa.Signer.from_callback(identity.sign, c2pa.C2paSigningAlg.ES256, identity.chain_pem, None)
    with (
        signer,
        c2pa.Context.from_dict({}) as context,
        c2pa.Builder(said, context) as builder,
        path.open("w+b") as target,
    ):
        if address is not None:
            builder.set_remote_url(address)
        if not is_inside:
            builder.set_no_embed()
        builder.sign(signer, "image/jpeg", io.BytesIO(picture()), target)
    return path


def manifest(name: str, *assertions: dict[str, Any]) -> dict[str, Any]:
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [CREATED]}}
    return {"claim_generator_info": [{"name": name}], "assertions": [actions, *assertions]}


def in_words(credentials: Any, *, marked: tuple[str, ...] = ()) -> str:
    mark = {"found": False, "sessions": marked, "damaged_file": False, "whole_file": True, "looked_at_s": 0.0}
    return words({"mark": mark, "content_credentials": credentials}, is_still=True)


def test_a_cameras_own_credentials_are_not_taken_for_ours(tmp_path: Path) -> None:
    binding: dict[str, Any] = {
        "label": "c2pa.soft-binding",
        "data": {"alg": "com.example.mark", "blocks": [{"scope": {}, "value": "x"}]},
    }
    found = read_credentials(strangers(tmp_path / "a.jpg", manifest("Camera", binding)))
    assert (found["generator"], found["session"]) == ("Camera", None)
    assert str(found["digital_source_type"]).endswith("digitalCapture")
    assert "made with Camera" in in_words(found)
    assert "AI made" not in in_words(found)


def test_a_strangers_text_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    found = read_credentials(strangers(tmp_path / "a.jpg", manifest("Evil\x1b[2J\r\n\u202eMien" + "A" * 5000)))
    assert str(found["generator"]).startswith("Evil?[2J ?Mien")
    assert len(str(found["generator"])) <= 200
    assert "\x1b" not in in_words(found)


@contextmanager
def listening() -> Generator[tuple[str, threading.Event]]:
    """Give an address of this machine, and what is set at the end once somebody asked for it."""
    asked, ended = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def answer() -> None:
            while not asked.is_set():
                is_last_look = ended.is_set()
                try:
                    server.accept()[0].close()
                    asked.set()
                except TimeoutError:
                    if is_last_look:
                        return

        waiting = threading.Thread(target=answer)
        waiting.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/a.c2pa", asked
        finally:
            ended.set()
            waiting.join()


def test_credentials_of_an_address_are_named_and_not_fetched(tmp_path: Path) -> None:
    with listening() as (address, asked):
        path = strangers(tmp_path / "a.jpg", manifest("Camera"), address=address, is_inside=False)
        found = read_credentials(path)
    assert found == {"state": "none", "elsewhere": address}
    assert "not fetched" in in_words(found)
    assert not asked.is_set()


@pytest.mark.parametrize(("settings", "is_asked"), [({}, True), ({"core": NOTHING_FETCHED["core"]}, False)])
def test_no_host_is_asked_even_by_a_part_of_the_library_that_no_switch_is_for(
    settings: dict[str, Any], is_asked: bool, tmp_path: Path
) -> None:
    with listening() as (address, asked):
        path = strangers(tmp_path / "a.jpg", manifest("Camera"), address=address, is_inside=False)
        with c2pa.Context.from_dict(settings) as context, path.open("rb") as file, pytest.raises(c2pa.C2paError):
            c2pa.Reader.try_create(None, file, context=context)
    assert asked.is_set() is is_asked


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_is_a_sentence_and_changed_pixels_are_told(tmp_path: Path, seed: int) -> None:
    content = bytearray(Signer("a1b2c3").signed(picture(), "image/jpeg"))
    pixels = len(content) - len(picture()) + 20
    random = np.random.default_rng(seed)
    place = int(random.integers(pixels if seed % 4 == 0 else 200, len(content) - 200))
    is_cut = seed % 2 == 1
    if is_cut:
        del content[place:]
    else:
        content[place : place + 64] = random.integers(0, 256, 64, np.uint8).tobytes()
    (tmp_path / "a.jpg").write_bytes(content)
    found = read_credentials(tmp_path / "a.jpg")
    # Most of the statement is room that the library keeps for the signature; nobody signs that.
    if is_cut or place > pixels:
        assert found["state"] in ("broken/tampered", "unreadable", "none")
    if found["state"] in ("broken/tampered", "unreadable"):
        assert found["reason"]
    assert len(in_words(json.loads(json.dumps(found))).splitlines()) == 2


@pytest.mark.parametrize(("name", "state"), [("a.mp4", "unreadable"), ("a.png", "unreadable"), ("a.mkv", "none")])
@pytest.mark.parametrize("content", [b"", b"\0", b"text " * 100])
def test_what_is_no_picture_is_said(tmp_path: Path, name: str, state: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = read_credentials(tmp_path / name)
    assert found["state"] == state
    assert found["reason"]


def test_credentials_of_another_session_than_the_mark_are_doubted(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(Signer("a1b2c3").signed(picture(), "image/jpeg"))
    found = read_credentials(tmp_path / "a.jpg")
    assert "AI made a part of the picture" in in_words(found)
    assert "not that of the mark" in in_words(found, marked=("00ff00",))
    assert "not that of the mark" not in in_words(found, marked=("00ff00", "a1b2c3"))


def test_authorities_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    (tmp_path / "a.pem").write_text("nothing")
    for trusted in (tmp_path / "a.pem", tmp_path / "a.jpg", tmp_path / "missing.pem"):
        with pytest.raises(UsageError, match="certificate"):
            read_credentials(tmp_path / "a.jpg", trusted)
