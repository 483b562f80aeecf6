"""Content Credentials as the commands write and read them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import c2pa
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from tests.realtime.provenance.c2pa.certificates import certificate

from mien.cli.main import main
from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.media.formats import MEDIA_TYPES, VIDEO_SUFFIXES
from mien.media.pictures import PICTURE_SUFFIXES
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.tracking.photo import public_domain_photo
from mien_models.types import as_u8

PHOTO = "a_name_nobody_should_see.png"
CONSENT = ["--face", PHOTO, "--consent", "public-domain"]
LIVE = ["run", "--camera", "user.mp4", *CONSENT, "--seconds", "4"]


@pytest.fixture(autouse=True)
def _in_a_folder_with_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_photo(), PHOTO)
    source_photo = cv2.imread(PHOTO)
    assert source_photo is not None
    user = np.ascontiguousarray(source_photo[:, ::-1])
    assert cv2.imwrite("user.png", user)
    with av.open("user.mp4", "w") as target:
        stream = target.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 512
        for _ in range(8):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(as_u8(user), "bgr24")))
        target.mux(stream.encode(None))


def said_by_another_reader(path: str) -> dict[str, Any]:
    with Path(path).open("rb") as file, c2pa.Reader(None, file) as reader:
        store: dict[str, Any] = json.loads(reader.detailed_json())
    return store


def session_of(report: str) -> str:
    return str(json.loads(Path(report).read_text(encoding="utf-8"))["notes"]["session"])


@pytest.mark.parametrize(("source", "target"), [("user.png", "out.png"), ("user.mp4", "out.mp4")])
def test_swap_names_the_footage_and_nothing_of_the_photo(
    source: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["swap", *CONSENT, source, target, "--report", "report.json"]) == 0
    store = said_by_another_reader(target)
    assert store["validation_results"]["activeManifest"]["failure"][0]["code"] == "signingCredential.untrusted"
    (manifest,) = store["manifests"].values()
    ingredients = {label: said for label, said in manifest["assertion_store"].items() if "ingredient" in label}
    (ingredient,) = ingredients.values()
    assert ingredient["relationship"] == "componentOf"
    assert ingredient["dc:title"] == "Source footage"
    assert ingredient["dc:format"] == MEDIA_TYPES[Path(source).suffix]
    everything = Path(target).read_bytes() + json.dumps(store).encode()
    photo = hashlib.sha256(Path(PHOTO).read_bytes())
    for secret in (PHOTO.encode(), b"user.png", photo.digest(), photo.hexdigest().encode(), b"thumbnail", b"astronaut"):
        assert secret not in everything
    capsys.readouterr()
    assert main(["verify", target, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["content_credentials"]
    assert (found["state"], found["session"]) == ("valid, signer not trusted", session_of("report.json"))


@pytest.mark.parametrize("suffix", [*PICTURE_SUFFIXES, *VIDEO_SUFFIXES])
def test_every_kind_of_file_carries_them(suffix: str) -> None:
    source = "user.png" if suffix in PICTURE_SUFFIXES else "user.mp4"
    assert main(["swap", *CONSENT, source, f"out{suffix}"]) == 0
    assert said_by_another_reader(f"out{suffix}")["validation_results"]["activeManifest"]["success"]
    assert read_credentials(Path(f"out{suffix}"))["generator"] is not None


def test_the_library_knows_every_kind_that_is_written() -> None:
    assert set(MEDIA_TYPES) == {*PICTURE_SUFFIXES, *VIDEO_SUFFIXES}
    assert set(MEDIA_TYPES.values()) <= set(c2pa.Builder.get_supported_mime_types())


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ([*LIVE, "--sink", "null", "--sink", "file:out.mkv"], "'out.mp4'"),
        ([*LIVE, "--sink", "null", "--sink", "file:out.webm"], "'out.mp4'"),
        (["swap", *CONSENT, "user.mp4", "out.webm"], "'out.mp4'"),
        (["swap", *CONSENT, "user.png", "out.bmp"], "'out.png'"),
    ],
)
def test_a_file_that_cannot_carry_them_is_refused_before_anything_begins(
    words: list[str], instead: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(*_arguments: object) -> None:
        pytest.fail("the run has begun")

    monkeypatch.setattr("mien.session.build.open_source_faces", begun)
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "cannot carry Content Credentials" in said
    assert instead in " ".join(said.split())
    assert not list(Path().glob("out*"))


def test_a_live_recording_is_signed_with_the_users_certificate_for_its_session(tmp_path: Path) -> None:
    chain, key, authority = certificate(tmp_path)
    Path("mien.toml").write_text(f"credentials_certificate = '{chain}'\ncredentials_key = '{key}'\n", encoding="utf-8")
    assert main([*LIVE, "--loop", "--sink", "file:out.mp4", "--report", "report.json"]) == 0
    found = read_credentials(Path("out.mp4"), authority)
    assert (found["state"], found["signer"], found["session"]) == ("valid", "Ada", session_of("report.json"))


def test_a_certificate_that_cannot_sign_stops_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, key, _ = certificate(tmp_path, purposes=[])
    flags = ["--credentials-certificate", str(chain), "--credentials-key", str(key)]
    for words in ([*LIVE, "--sink", "file:out.mp4"], ["swap", *CONSENT, "user.png", "out.png"]):
        assert main([*words, *flags]) == 2
        assert "cannot sign Content Credentials" in capsys.readouterr().err.replace("\n", " ")
        assert not list(Path().glob("out*"))


def test_a_swapped_file_that_cannot_be_signed_is_kept_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise SigningError("It cannot be signed: no reason.")

    monkeypatch.setattr(Signer, "sign", fail)
    assert main(["swap", *CONSENT, "user.png", "out.png"]) == 1
    assert "out.png is complete, but carries no Content Credentials. It cannot be signed: no reason." in " ".join(
        capsys.readouterr().err.split()
    )
    assert cv2.imread("out.png") is not None


def test_what_needs_no_credentials_does_not_load_them() -> None:
    code = (
        "import sys; from mien.cli.main import main; main(sys.argv[1:]); "
        "print(*sorted({'c2pa', 'cryptography'} & set(sys.modules)))"
    )
    for words in (["--help"], [*LIVE[:-1], "0.5", "--sink", "null"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].strip() == "", done.stdout


def test_recover_says_what_it_saved_and_what_it_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("user.mp4", "film.mp4.part")
    os.utime("film.mp4.part", (1e9, 1e9))
    assert main(["recover", "film.mp4.part"]) == 0
    assert "film.mp4: 8 frames" in " ".join(capsys.readouterr().err.split())
    Path("empty.mp4.part").touch()
    assert main(["recover", "empty.mp4.part"]) == 1
    assert "No frame can be found in 'empty.mp4.part'." in " ".join(capsys.readouterr().err.split())
