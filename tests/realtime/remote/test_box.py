"""A machine that swaps for others, and everything that may be said to it."""

import asyncio
import contextlib
import hashlib
import os
import ssl
from collections.abc import Generator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from tests.realtime.remote.remote_rig import CODE, Rig, frame_of, order_of, plain, serving, stream, wait_until

from mien.remote.box import metrics_text
from mien.remote.client import RefusedError, SeatWish, greeted, pair, seated
from mien.remote.identity import any_certificate, own_identity
from mien.remote.link import RemoteLink
from mien.remote.machines import Machine
from mien.remote.passes import Pass
from mien.remote.protocol import VERSION, Hello, Offer, Order
from mien.remote.transport import LinkState
from mien.remote.wire import from_machine, text_of
from mien_models.errors import MienError

GREEN = (40, 200, 60)
BLUE = (200, 60, 40)


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Generator[Rig]:
    with serving(tmp_path_factory.mktemp("box")) as made:
        yield made


def _wish(run: str = "ab", side: int = 160) -> SeatWish:
    return SeatWish(run, side, side, 30.0)


def _shown(rig: Rig, colour_bgr: tuple[int, int, int], link_index: int = 0) -> bool:
    newest = rig.links[link_index].answers.newer_than(-1, 0)
    if newest is None or newest.composed is None:
        return False
    seen = newest.composed.before_marks().reshape(-1, 3).mean(axis=0)
    return bool(np.abs(seen - np.array(colour_bgr)).max() < 25)


def _sentence(rig: Rig, *said: str | bytes) -> str:
    """Say things to the machine as they are, and give what it answers before it hangs up."""

    async def speak() -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"https://127.0.0.1:{rig.port}/mien/1", ssl=any_certificate()) as socket,
        ):
            await socket.receive()
            for one in said:
                await (socket.send_bytes(one) if isinstance(one, bytes) else socket.send_str(one))
            while True:
                message = await socket.receive(60)
                assert message.type is aiohttp.WSMsgType.TEXT, message
                heard = from_machine(message.data)
                if heard.kind in {"refused", "bye"}:
                    return str(getattr(heard, "why", ""))

    async def closed() -> str:
        sentence = await speak()
        await asyncio.sleep(0.2)  # aiohttp closes its sockets a moment later
        return sentence

    return asyncio.run(closed())


def test_a_frame_comes_back_swapped_under_its_own_number(rig: Rig) -> None:
    link = rig.link(BLUE)
    stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
    newest = link.answers.newer_than(-1, 0)
    assert newest is not None
    assert newest.is_done_elsewhere
    assert [face.id for face in newest.chosen] == [7]
    assert newest.image[0, 0, 2] == 200  # the camera's own frame is still its own
    assert link.status.state is LinkState.READY
    assert link.status.line.codec == "H264"
    assert link.status.networks == {"mesh": "paint"}


def test_two_sessions_never_see_each_others_faces(rig: Rig) -> None:
    first, second = rig.link(BLUE), rig.link(GREEN)
    seen: list[tuple[bool, bool]] = []

    def both() -> bool:
        second.send(frame_of(len(seen)))
        seen.append((_shown(rig, GREEN, 0), _shown(rig, BLUE, 1)))
        return _shown(rig, BLUE, 0) and _shown(rig, GREEN, 1) and len(seen) > 40

    stream(first, both, "both have their own face")
    assert not any(wrong for pair_of in seen for wrong in pair_of)


def test_a_session_that_fails_leaves_the_others_alone_and_sends_nothing(rig: Rig) -> None:
    first, second = rig.link(BLUE), rig.link(GREEN)

    def both() -> bool:
        second.send(frame_of(0))
        return _shown(rig, BLUE, 0) and _shown(rig, GREEN, 1)

    at = stream(first, both, "both swap")
    broken = next(one for one in rig.engine.made if one.colour_bgr[0] > 150)
    broken.fails = True

    def only_second() -> bool:
        second.send(frame_of(0))
        newest = first.answers.newer_than(at, 0)
        return newest is not None and newest.composed is None and _shown(rig, GREEN, 1)

    stream(first, only_second, "the first has no picture, the second has", at)
    assert first.status.state is LinkState.READY


def test_a_frame_without_a_face_comes_back_without_a_picture(rig: Rig) -> None:
    link = rig.link(BLUE)
    at = stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
    rig.engine.made[0].finds = False

    def without() -> bool:
        newest = link.answers.newer_than(at, 0)
        return newest is not None and newest.composed is None and newest.is_done_elsewhere

    stream(link, without, "a frame without a face is back", at)


def test_another_face_is_swapped_without_a_new_line(rig: Rig) -> None:
    link = rig.link(BLUE)
    at = stream(link, lambda: _shown(rig, BLUE), "the first face is shown")
    link.order(order_of(GREEN))
    assert link.answers.newer_than(-1, 0) is None  # nothing of the face before is shown any longer
    stream(link, lambda: _shown(rig, GREEN), "the second face is shown", at)
    assert len(rig.box.seats.taken) == 1
    assert rig.box.seats.let_in == 1
    assert link.status.lines == 1


def test_after_a_line_is_cut_the_picture_is_back_by_itself(rig: Rig) -> None:
    link = rig.link(BLUE)
    at = stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
    session = next(iter(rig.box.sessions.values()))
    rig.on_loop(lambda: asyncio.ensure_future(session.end("Cut by the test.")))
    wait_until(lambda: link.status.state is not LinkState.READY, "the line is known to be cut")
    assert link.answers.newer_than(-1, 0) is None  # what was there before is not shown again
    stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back on a new line", at)
    assert len(rig.box.seats.taken) == 1


def test_a_line_that_falls_silent_is_given_up_however_young_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.remote.line._LINE_S", 1e6)
    link = rig.link(BLUE)
    at = stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
    transport = next(iter(rig.box.sessions.values()))._transport  # pyright: ignore[reportPrivateUsage]

    def say_nothing(_text: str) -> None:
        pass

    monkeypatch.setattr(transport, "say", say_nothing)
    stream(link, lambda: not link.is_ready, "the line is given up", at)


def test_who_is_sent_elsewhere_is_swapped_for_until_another_machine_does(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with (
        serving(tmp_path_factory.mktemp("first")) as first,
        serving(tmp_path_factory.mktemp("second")) as second,
    ):
        states: list[LinkState] = []
        machines = [first.paired(), second.paired()]
        link = RemoteLink(machines, order_of(BLUE), 30.0, lambda status: states.append(status.state))
        first.links.append(link)
        link.start()
        at = stream(link, lambda: _shown(first, BLUE), "the first machine swaps")
        assert len(first.box.seats.taken) == 1
        states.clear()
        second.engine.prepares_s = 1.0
        first.on_loop(lambda: asyncio.ensure_future(first.box.drain("It is taken away.", 20.0)))
        stream(link, lambda: not first.box.seats.taken, "the first machine has let go", at)
        assert second.box.seats.taken
        assert states == [LinkState.READY]
        assert link.status.lines == 2
        link.close()


def test_who_has_nowhere_else_to_go_is_put_out_in_time(rig: Rig) -> None:
    link = rig.link(BLUE)
    at = stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
    rig.on_loop(lambda: asyncio.ensure_future(rig.box.drain("It is taken away.", 0.5)))
    stream(link, lambda: not rig.box.seats.taken, "the seat is free", at)
    wait_until(lambda: not link.is_ready, "the line is known to be gone")


def test_what_the_engine_refuses_is_said_in_its_words(rig: Rig) -> None:
    rig.engine.refuses = MienError("No face was found in the photo.")
    link = rig.link(BLUE)
    stream(link, lambda: link.status.state is LinkState.REFUSED, "the order is refused")
    assert link.status.why == "No face was found in the photo."


def test_a_full_machine_says_how_many_seats_it_has(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("box"), seats=1) as rig:
        first, second = rig.link(BLUE), rig.link(GREEN)
        stream(first, lambda: _shown(rig, BLUE, 0), "the first swaps")
        stream(second, lambda: second.status.state is LinkState.REFUSED, "the second is refused")
        assert "1 of 1 seats" in second.status.why


def test_a_crowd_whose_faces_take_long_holds_up_nobodys_pictures(tmp_path_factory: pytest.TempPathFactory) -> None:
    crowd = (os.cpu_count() or 1) + 5  # more than asyncio has threads of its own
    with serving(tmp_path_factory.mktemp("box"), seats=crowd + 1) as rig:
        link, machine = rig.link(BLUE), rig.paired()
        at = stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
        rig.engine.may_prepare.clear()

        async def come() -> None:
            async with contextlib.AsyncExitStack() as stack:
                for number in range(crowd):
                    greeting = await stack.enter_async_context(greeted(rig.address))
                    _, seal = await seated(greeting, machine, _wish(f"{number:02x}"))
                    await greeting.line.send(order_of(GREEN).message)
                    await greeting.line.send_bytes(seal.sealed(order_of(GREEN).photos_png[0]))
                await asyncio.to_thread(stream, link, lambda: link.answers.newer_than(at + 30, 0), "pictures come", at)
                rig.engine.may_prepare.set()

        asyncio.run(come())


def test_a_wrong_code_is_refused_and_the_sixth_has_to_wait(rig: Rig) -> None:
    async def tries() -> list[str]:
        said: list[str] = []
        for _ in range(6):
            try:
                await pair(rig.address, "AAAA-BBBB-CCCC", rig.machines)
            except RefusedError as error:
                said.append(str(error))
        return said

    said = asyncio.run(tries())
    assert ["not the pairing code" in one for one in said] == [True] * 5 + [False]
    assert "wait" in said[5]
    assert rig.machines.known() == ()


def test_somebody_in_between_with_another_certificate_is_noticed_by_both_sides(rig: Rig, tmp_path: Path) -> None:
    """They pass every word on as it is; their certificate is not the machine's."""
    theirs = own_identity(tmp_path / "theirs")

    async def pass_on() -> str:
        from aiohttp import web

        async def between(request: web.Request) -> web.WebSocketResponse:
            here = web.WebSocketResponse()
            await here.prepare(request)
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"https://127.0.0.1:{rig.port}/mien/1", ssl=any_certificate()) as there,
            ):
                await here.send_str((await there.receive()).data)
                await there.send_str((await here.receive()).data)
                await here.send_str((await there.receive()).data)
            return here

        app = web.Application()
        app.router.add_get("/mien/1", between)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=theirs.tls())
        await site.start()
        try:
            port = int(runner.addresses[0][1])
            from mien.remote.machines import Address

            await pair(Address("127.0.0.1", port), CODE, rig.machines)
        except MienError as error:
            return str(error)
        finally:
            await runner.cleanup()
            await asyncio.sleep(0.2)
        return "paired"

    assert "not the pairing code" in asyncio.run(pass_on())
    assert rig.machines.known() == ()
    assert rig.box.tries.wait_s == 0
    assert len(rig.box.tries._failed_s) == 1  # pyright: ignore[reportPrivateUsage]


def test_a_machine_with_another_certificate_gets_no_pass_and_no_face(rig: Rig) -> None:
    machine = rig.paired()
    other = Machine(machine.address, machine.name, "0" * 64, machine.pass_text, machine.secret_hex)
    link = rig.link(BLUE, other)
    stream(link, lambda: link.status.state is LinkState.REFUSED, "it is refused")
    assert "another certificate" in link.status.why
    assert rig.engine.photos == []


def _hello(rig: Rig, machine: Machine, nonce: str, **changes: object) -> Hello:
    from mien.remote.pairing import proof

    key = bytes.fromhex(machine.secret_hex)
    made = proof(key, "hello", nonce, "cc", "ab", machine.fingerprint)
    values: dict[str, object] = {
        "version": VERSION,
        "pass_text": machine.pass_text,
        "nonce": "cc",
        "proof": made,
        "run": "ab",
        "width": 160,
        "height": 96,
        "fps": 30.0,
    }
    return Hello.model_validate(values | changes)


def test_a_greeting_that_is_said_again_is_refused(rig: Rig) -> None:
    """Word for word what was once taken: the machine's first word has changed."""
    machine = rig.paired()

    async def once() -> str:
        async with greeted(rig.address) as greeting:
            hello = _hello(rig, machine, greeting.challenge.nonce)
            await greeting.line.send(hello)
            assert from_machine(str(await greeting.line.receive())).kind == "welcome"
            return text_of(hello)

    said = asyncio.run(once())
    assert "not one of this machine" in _sentence(rig, said)


def test_a_pass_that_has_run_out_and_one_of_another_machine_are_refused(rig: Rig) -> None:
    machine = rig.paired()
    old = Pass("id", "", 1000, 0)
    said = _sentence(rig, text_of(_hello(rig, machine, "aa", pass_text=old.text)))
    assert "run out" in said
    forged = Pass.new()
    assert "not one of this machine" in _sentence(rig, text_of(_hello(rig, machine, "aa", pass_text=forged.text)))


def test_another_version_is_told_which_side_to_update(rig: Rig) -> None:
    machine = rig.paired()
    said = _sentence(rig, text_of(_hello(rig, machine, "aa", version=VERSION + 1)))
    assert "update" in said


def test_a_client_with_8k_pictures_is_told_the_largest(rig: Rig) -> None:
    machine = rig.paired()

    async def ask() -> str:
        async with greeted(rig.address) as greeting:
            with pytest.raises(RefusedError) as error:
                await seated(greeting, machine, _wish(side=7680))
            return str(error.value)

    assert "1920" in asyncio.run(ask())


@pytest.mark.parametrize(
    "said",
    [
        "", "garbage", "[]", "{}", '{"kind": "hello"}', "[" * 5000, '{"kind": "welcome"}', b"\x00\x01",
        '{"kind": "pair", "version": 1, "nonce": "zz", "proof": "aa"}', '{"kind": "offer", "sdp": "v=0"}',
        '{"kind": "hello", "version": 1, "nonce": "aa", "run": "aa", "width": -1, "height": 1e400, "fps": 1}',
    ],
    ids=range(11),
)  # fmt: skip
def test_garbage_on_the_control_line_is_answered_by_one_sentence(rig: Rig, said: str | bytes) -> None:
    sentence = _sentence(rig, said)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    assert len(sentence) < 400
    rig.paired()  # others are unharmed


async def _in_a_seat(rig: Rig, machine: Machine, *said: str | bytes) -> str:
    async with greeted(rig.address) as greeting:
        _, seal = await seated(greeting, machine, _wish())
        for one in said:
            if isinstance(one, bytes):
                await greeting.line.send_bytes(seal.sealed(one))
            else:
                await greeting.line._socket.send_str(one)  # pyright: ignore[reportPrivateUsage]
        async with asyncio.timeout(60):
            return str(getattr(from_machine(str(await greeting.line.receive())), "why", ""))


_ORDER = text_of(order_of(BLUE).message)
_PNG = order_of(BLUE).photos_png[0]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((text_of(Offer(sdp="v=0\r\nm=nothing")),), "SDP"),
        ((text_of(Offer(sdp="\x00" * 1000)),), "SDP"),
        ((text_of(Offer(sdp="")),), "SDP"),
        ((_ORDER, b"GIF89a" + b"x" * 100), "PNG"),
        ((_ORDER, _PNG[:16] + b"\x7f\xff\xff\xff\x7f\xff\xff\xff" + _PNG[24:]), "PNG"),
        ((_ORDER, _PNG[:60]), "PNG"),
        ((_ORDER, _ORDER), "PNG"),
        ((_ORDER.replace('"mesh"', '"../../etc/passwd"'),), "swapper"),
        ((_ORDER.replace('["history"]', '["xseg:/etc/passwd"]'),), "masks"),
        (('{"kind": "order"}',), "wishes"),
    ],
    ids=range(10),
)
def test_garbage_from_somebody_in_a_seat_costs_them_the_seat(
    rig: Rig, said: tuple[str | bytes, ...], words: str
) -> None:
    sentence = asyncio.run(_in_a_seat(rig, rig.paired(), *said))
    assert words in sentence
    wait_until(lambda: not rig.box.seats.taken, "the seat is free again")


def test_garbage_on_the_data_channel_ends_that_session_only(rig: Rig) -> None:
    first, second = rig.link(BLUE), rig.link(GREEN)

    def both() -> bool:
        second.send(frame_of(0))
        return _shown(rig, BLUE, 0) and _shown(rig, GREEN, 1)

    at = stream(first, both, "both swap")
    let_in = rig.box.seats.let_in

    def garbled() -> bool:
        line = first._line  # pyright: ignore[reportPrivateUsage]
        transport = None if line is None else line.transport
        if transport is not None:
            transport.say("{" * 100)
        second.send(frame_of(0))
        return rig.box.seats.let_in > let_in

    at = stream(first, garbled, "the first had to begin anew", at)
    stream(second, lambda: _shown(rig, GREEN, 1), "the second swaps on", at)


def test_nothing_of_a_face_touches_the_disk_of_the_machine_that_swaps(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path_factory.mktemp("box")
    caplog.set_level("DEBUG")
    monkeypatch.setenv("TMPDIR", str(folder))
    with serving(folder) as rig:
        link = rig.link(BLUE)
        stream(link, lambda: _shown(rig, BLUE), "a swapped frame is back")
        photo_bgr = rig.engine.photos[0][0]
        assert np.array_equal(photo_bgr, plain(BLUE, 64, 64))
        assert {path.name for path in folder.rglob("*") if path.is_file()} == {"identity.pem", "machines.json"}
    digest = hashlib.sha256(_PNG).hexdigest()
    assert not any(digest in record.getMessage() or "PNG" in record.getMessage() for record in caplog.records)
    assert not rig.box.sessions


def test_the_line_is_tls_and_shows_the_machines_certificate(rig: Rig) -> None:
    import socket

    with (
        socket.create_connection(("127.0.0.1", rig.port)) as plain_socket,
        any_certificate().wrap_socket(plain_socket) as encrypted,
    ):
        certificate = encrypted.getpeercert(binary_form=True)
        assert certificate is not None
        assert hashlib.sha256(certificate).hexdigest() == rig.identity.fingerprint
        assert encrypted.version() == "TLSv1.3"
    assert any_certificate().verify_mode is ssl.CERT_NONE


def test_prometheus_reads_what_the_machine_says_of_itself(rig: Rig) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = {one.name: one for one in parser.text_string_to_metric_families(metrics_text(rig.box))}
    assert families["mien_seats"].samples[0].value == 3
    assert (families["mien_seats"].type, families["mien_frames"].type) == ("gauge", "counter")
    assert all(one.documentation and len(one.samples) == 1 for one in families.values())


def test_orders_are_checked_as_they_come() -> None:
    order = order_of(BLUE).message
    assert Order.model_validate_json(text_of(order)) == order
