"""Nothing leaves the machine, and nothing is written but where it belongs: every command, in a network of its own.

A command that is new fails `test_every_command_is_watched` until a journey below has it.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
import pytest
import typer
from tests.onnx_networks import arcface_network, inswapper_network
from tests.outbound import Ground, command_names, reaching_out, whole_lines, why_not_here, written_outside

from mien.cli.app import app
from mien.tracking.photo import public_domain_photo
from mien_models.types import as_u8

pytestmark = [
    pytest.mark.traced,
    pytest.mark.skipif(why_not_here() is not None, reason=str(why_not_here())),
]
OWN: Final = "--consent public-domain"
LONG_ENOUGH_S: Final = 14
"""ONNX Runtime's first report is due some ten seconds after it was loaded."""


@dataclass(frozen=True)
class Journey:
    """Commands that one user gives one after the other, and what has to lie in their folder before."""

    steps: tuple[str, ...]
    lays_out: tuple[Callable[[Path], object], ...] = ()


def _photo(work: Path) -> None:
    picture = cv2.imread(str(public_domain_photo()))
    assert picture is not None
    assert cv2.imwrite(str(work / "photo.png"), picture)


def _clip(work: Path) -> None:
    picture = cv2.imread(str(public_domain_photo()))
    assert picture is not None
    face = cv2.resize(picture[0:300, 56:456], (320, 240), interpolation=cv2.INTER_AREA)
    with av.open(str(work / "clip.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for shift in range(8):
            frame = av.VideoFrame.from_ndarray(as_u8(np.roll(face, shift, axis=1)), "bgr24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _part(work: Path) -> None:
    _clip(work)
    part = (work / "clip.mp4").rename(work / "film.mp4.part")
    os.utime(part, (1_700_000_000, 1_700_000_000))


def _networks(work: Path) -> None:
    inswapper_network(work / "inswapper_128.onnx")
    arcface_network(work / "w600k_r50.onnx")


JOURNEYS: Final = {
    "live": Journey(
        (
            "run --camera synthetic --fps 9 --sink null --sink window --sink images:p --sink file:out.mp4 --seconds 5",
            f"run {OWN} --camera synthetic --sink null --seconds 3 --content-gate always --report run.json",
            "verify out.mp4 --whole --timeline out.png",
            "log show --json",
            "log verify",
            "log purge --yes",
            "devices",
            "doctor",
        ),
    ),
    "files": Journey(
        (
            f"swap {OWN} --face photo.png photo.png out.png",
            f"swap {OWN} --face photo.png clip.mp4 out.mp4 --report out.json",
            "verify out.png --json",
            "recover film.mp4",
        ),
        (_photo, _part, _clip),
    ),
    "faces": Journey(
        (
            f"faces add photo.png --name Ada {OWN}",
            "faces list",
            "faces agree Ada --scope recording",
            "faces show Ada -o understood.png",
            "run --face Ada --camera clip.mp4 --sink null",
            "faces remove Ada",
        ),
        (_photo, _clip),
    ),
    "models": Journey(
        (
            "models add inswapper_128.onnx",
            "models add w600k_r50.onnx --name arcface_w600k_r50",
            "models list",
            "models info inswapper_128",
            "models set inswapper_128 template=arcface_128",
            f"run {OWN} --swapper inswapper_128 --camera synthetic --fps 5 --sink null --seconds {LONG_ENOUGH_S}",
            "models verify",
            "models remove inswapper_128",
        ),
        (_networks,),
    ),
    "bench": Journey(
        (
            "bench live --seconds 1",
            "bench stages --frames 20",
            "bench sync --seconds 9 --size 320x180",
            f"bench quality {OWN} --clip clip.mp4 --frames frames --limit 3",
        ),
        (_clip,),
    ),
}


LOCAL: Final = ("ctl ", "panel", "serve")
"""What talks to a session of the same computer, or ends with Ctrl-C only, has a test of its own below."""


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path, {"MIEN_PASSPHRASE": "several plain words", "SDL_VIDEODRIVER": "dummy"})


def test_every_command_is_watched() -> None:
    watched = [step for journey in JOURNEYS.values() for step in journey.steps]
    given = [name for name in command_names(typer.main.get_command(app)) if not name.startswith(LOCAL)]
    missing = [name for name in given if not any(f"{step} ".startswith(f"{name} ") for step in watched)]
    assert not missing, "these commands are in no journey: add them to JOURNEYS"


@pytest.mark.slow
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_command_reaches_nobody_and_writes_nothing_elsewhere(name: str, ground: Ground) -> None:
    for lay_out in JOURNEYS[name].lays_out:
        lay_out(ground.work)
    verdicts = [ground.watch("-m", "mien", *shlex.split(step)).verdict() for step in JOURNEYS[name].steps]
    assert not any(verdicts), "\n".join(filter(None, verdicts))


@pytest.mark.parametrize("package", ["mien_models", "mien", "mien_export"])
def test_a_program_that_imports_one_package_alone_keeps_its_networks_quiet(package: str, ground: Ground) -> None:
    program = f"import {package}; import onnxruntime; print(onnxruntime.get_device())"
    assert ground.watch("-c", program).verdict() == ""


def test_a_client_of_a_session_reaches_nobody(ground: Ground) -> None:
    for step in ("ctl status", "ctl set shape=0.5", "ctl privacy on", "ctl reveal", "ctl stop"):
        done = ground.watch("-m", "mien", *step.split())
        assert (done.reached, done.written, done.left) == ((), (), ())
        assert "No session" in done.said


SERVE: Final = """
import signal, subprocess, sys
serve = [sys.executable, '-m', 'mien', 'serve', '--host', '127.0.0.1', '--port', '0']
box = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
address, code = box.stdout.readline().split()
run = 'run --consent public-domain --camera synthetic --size 320x180 --sink null --seconds 6'.split()
done = subprocess.run([sys.executable, '-m', 'mien', *run, '--remote', address, '--pair', code])
box.send_signal(signal.SIGINT)
raise SystemExit(done.returncode or box.wait(60))
"""
"""Swaps on a machine that is another process of this one, and ends both."""


@pytest.mark.slow
def test_a_swap_on_another_machine_reaches_nobody_else(ground: Ground) -> None:
    assert ground.watch("-c", SERVE).verdict() == ""


RECORD: Final = """
import subprocess, sys, time
run = 'run --camera synthetic --microphone synthetic --size 320x180 --sink null --seconds 60'.split()
session = subprocess.Popen([sys.executable, '-m', 'mien', *run])

def ctl(*words):
    return subprocess.run([sys.executable, '-m', 'mien', 'ctl', *words]).returncode

ends_s = time.monotonic() + 50
while ctl('record', 'start', 'show.mp4') and time.monotonic() < ends_s:
    time.sleep(0.5)
done = [ctl('record', 'split'), ctl('record', 'stop'), ctl('stop')]
raise SystemExit(any(done) or session.wait(60))
"""
"""Records from a session while it runs."""


@pytest.mark.slow
def test_a_recording_that_is_asked_for_while_live_reaches_nobody(ground: Ground) -> None:
    assert ground.watch("-c", RECORD).verdict() == ""
    assert (ground.work / "show.mp4").is_file()


PANEL: Final = """
import http.client, signal, subprocess, sys, time
panel = subprocess.Popen([sys.executable, '-m', 'mien', 'panel', '--no-browser'], stdout=subprocess.PIPE, text=True)
address = panel.stdout.readline().strip()
host, _, query = address.removeprefix('http://').partition('/')

def ask(method, path, body=None, **headers):
    one = http.client.HTTPConnection(host, timeout=120)
    one.request(method, path, body, headers)
    answer = one.getresponse()
    return answer.status, answer.getheader('set-cookie', ''), answer.read()

cookie = ask('GET', '/' + query)[1].partition(';')[0]
own = {'Cookie': cookie, 'Origin': 'http://' + host}
for path in ('/start', '/live', '/people', '/numbers', '/outputs', '/presets', '/faces', '/models', '/machines'):
    status, _, page = ask('GET', path, **own)
    assert status == 200 and b'http://' not in page.replace(b'http://www.w3.org', b''), (path, status)
status, _, said = ask('POST', '/upload/photo', open('photo.png', 'rb').read(), **own)
assert status == 200, said
for _ in range(240):
    if ask('GET', '/mien.toml', **own)[0] == 200:
        break
    time.sleep(0.5)
else:
    raise SystemExit('no session has begun')
panel.send_signal(signal.SIGINT)
panel.wait(60)
raise SystemExit(subprocess.run([sys.executable, '-m', 'mien', 'ctl', 'stop']).returncode)
"""
"""Opens every page of a panel, sends it a photo, and ends it and the session that it began."""


@pytest.mark.slow
def test_the_panel_reaches_nobody_and_writes_nothing_elsewhere(ground: Ground) -> None:
    _photo(ground.work)
    done = ground.watch("-c", PANEL)
    assert done.verdict() == "", done.said


def test_a_keychain_is_looked_for_without_asking_anybody(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    _photo(ground.work)
    done = ground.watch("-m", "mien", "faces", "add", "photo.png", "--name", "Ada", *OWN.split())
    assert "no keychain here" in done.said
    assert (done.status, done.reached, done.written, done.left) == (2, (), (), ())


ELSEWHERE: Final = "http://192.0.2.1/part"
LISTS: Final = {
    "list.m3u8": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{ELSEWHERE}.ts\n#EXT-X-ENDLIST\n",
    "list.mp4": f"ffconcat version 1.0\nfile '{ELSEWHERE}.mp4'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 192.0.2.1\ns=x\nc=IN IP4 192.0.2.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "film.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="9" width="16" height="16">'
    f"<BaseURL>{ELSEWHERE}.mp4</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>",
}
"""Text files that FFmpeg takes for films whose pictures lie at an address."""


@pytest.mark.slow
@pytest.mark.parametrize("name", LISTS)
def test_a_file_that_names_addresses_sends_nobody_there(name: str, ground: Ground) -> None:
    (ground.work / name).write_text(LISTS[name], encoding="utf-8")
    for step in (
        f"swap {OWN} {name} out.mp4",
        f"verify {name}",
        f"run {OWN} --camera ./{name} --sink null --seconds 3",
    ):
        done = ground.watch("-m", "mien", *step.split())
        assert (done.reached, done.written, done.left) == ((), (), ())
        assert done.status == 1
        assert "Traceback" not in done.said


TRIES: Final = {
    "asks for a name": "import socket\ntry: socket.getaddrinfo('mien.example', 443)\nexcept OSError: pass",
    "connects": "import socket; socket.socket().connect_ex(('192.0.2.1', 443))",
    "connects over IPv6": "import socket; socket.socket(socket.AF_INET6).connect_ex(('2001:db8::1', 443))",
    "sends without connecting": "import socket\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
    "try: s.sendto(b'x', ('192.0.2.1', 9))\nexcept OSError: pass",
    "opens a port to the network": "import socket; socket.create_server(('0.0.0.0', 0))",
    "lets a child do it": "import subprocess, sys; subprocess.run([sys.executable, '-c', "
    "'import socket; socket.socket().connect_ex((\"192.0.2.1\", 443))'])",
}


@pytest.mark.parametrize("what", TRIES)
def test_the_watch_sees_a_program_that(what: str, ground: Ground) -> None:
    done = ground.watch("-c", TRIES[what])
    assert done.status == 0
    assert done.reached


WRITES: Final = {
    "keeps something in the home": "from pathlib import Path; Path.home().joinpath('.cache').mkdir()",
    "writes and removes": "from pathlib import Path; p = Path.home() / 'ä'; p.write_text('x'); p.unlink()",
    "renames out of its folder": "from pathlib import Path; Path('x').write_text(''); Path('x').rename('../y')",
    "leaves something in the temporary folder": "import tempfile; tempfile.mkstemp()",
}


@pytest.mark.parametrize("what", WRITES)
def test_the_watch_sees_one_that(what: str, ground: Ground) -> None:
    done = ground.watch("-c", WRITES[what])
    assert done.status == 0
    assert done.written or done.left


def test_the_watch_lets_a_program_talk_to_itself_and_write_where_it_was_told(ground: Ground) -> None:
    program = (
        "import socket; from pathlib import Path; server = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(server.getsockname()); Path('out').write_text('x');"
        "Path.home().joinpath('.local/share/mien').mkdir(parents=True)"
    )
    assert ground.watch("-c", program).verdict() == ""


def test_a_question_through_another_program_of_the_machine_is_seen_and_a_cut_line_is_read_whole(tmp_path: Path) -> None:
    asked = '7 connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0'
    local = '7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0'
    bus = '7 connect(3, {sa_family=AF_UNIX, sun_path="/run/user/1000/bus"}, 42) = 0'
    assert list(reaching_out([asked, local, bus])) == [asked, local]
    cut = [
        f'7 openat(AT_FDCWD<{tmp_path}>, "a", O_CREAT|O_WRONLY <unfinished ...>',
        "8 getpid() = 8",
        "7 <... openat resumed>, 0666) = 3",
        '9 mkdir("/elsewhere", 0777 <unfinished ...>',
        "9 <... mkdir resumed>) = -1 EEXIST (File exists)",
    ]
    assert list(written_outside(whole_lines(cut), tmp_path, [tmp_path / "b"])) == [str(tmp_path / "a")]
