"""A fleet: what replicas know of each other, passes of tenants, and one real replica behind Ray's proxy."""

import asyncio
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.realtime.remote.remote_rig import Rig, serving

from mien.cli.fleet import parse_replicas, parse_turn
from mien.remote.client import RefusedError, SeatWish, greeted, pair, seated
from mien.remote.fleet_desk import Desk
from mien.remote.machines import Machine, Machines, parse_address
from mien.remote.pairing import Seal
from mien.remote.passes import Pass, PassError, carried, read_carried
from mien.remote.protocol import ProtocolError
from mien.remote.seats import FullError, Seat
from mien_models.errors import MienError, UsageError


def test_a_tenant_has_its_seats_once_on_whatever_machine() -> None:
    desk = Desk(lambda: 0.0)
    assert desk.claim("a", "run 1", "studio", 2)
    assert desk.claim("b", "run 2", "studio", 2)
    assert not desk.claim("c", "run 3", "studio", 2)
    assert desk.claim("c", "run 1", "studio", 2)  # it comes back on another machine
    assert desk.claim("c", "run 4", "another", 1)


def test_the_seats_of_a_machine_that_is_gone_are_free_again() -> None:
    now_s = [0.0]
    desk = Desk(lambda: now_s[0])
    assert desk.claim("a", "run 1", "studio", 1)
    now_s[0] = 60.0
    assert desk.claim("b", "run 2", "studio", 1)
    assert desk.book() == {"b": 1}


def test_who_is_to_leave_hears_of_it_with_the_next_beat() -> None:
    desk = Desk()
    assert not desk.beat("a", {})
    desk.leave(["a"])
    assert desk.beat("a", {"run 1": ""})
    assert not desk.beat("b", {})


def test_what_was_sealed_for_one_line_is_nothing_on_another() -> None:
    sealed = Seal(b"s" * 32, "aa", "bb").sealed(b"a photo")
    assert b"a photo" not in sealed
    assert Seal(b"s" * 32, "aa", "bb").opened(sealed) == b"a photo"
    for other in (Seal(b"s" * 32, "aa", "bc"), Seal(b"t" * 32, "aa", "bb")):
        with pytest.raises(ProtocolError, match="sealed for this line"):
            other.opened(sealed)
    with pytest.raises(ProtocolError, match="sealed for this line"):
        Seal(b"s" * 32, "aa", "bb").opened(b"short")


def test_a_pass_is_carried_whole_or_refused() -> None:
    made = Pass.new("studio", seats=2)
    line = carried(made, "ab" * 32, b"s" * 32)
    assert read_carried(line) == ("ab" * 32, (b"s" * 32).hex(), made.text)
    assert read_carried("K7QX-M2PD-94TR") is None
    for damaged in (line[:-9], line.replace("ab", "zz", 1), "mien-pass.", line + ".x"):
        with pytest.raises(PassError, match="damaged"):
            read_carried(damaged)


def _seated(rig: Rig, line: str, run: str, folder: Path) -> None:
    async def take() -> None:
        machine = await pair(rig.address, line, Machines(folder / "tenant.json"))
        async with greeted(rig.address) as greeting:
            await seated(greeting, machine, SeatWish(run, 160, 96, 30.0))

    asyncio.run(take())


def test_a_tenant_swaps_by_its_pass_without_a_code(tmp_path: Path) -> None:
    with serving(tmp_path, code=None) as rig:
        made = Pass.new("studio", seats=1)
        line = carried(made, rig.identity.fingerprint, made.secret(rig.identity.secret))
        _seated(rig, line, "aa", tmp_path)
        other = carried(made, "00" * 32, made.secret(rig.identity.secret))
        with pytest.raises(RefusedError, match="another certificate"):
            _seated(rig, other, "bb", tmp_path)
        forged = carried(made, rig.identity.fingerprint, b"x" * 32)
        with pytest.raises(RefusedError, match="not one of this machine"):
            _seated(rig, forged, "cc", tmp_path)


def test_replicas_and_turn_servers_are_named_in_one_way() -> None:
    assert parse_replicas("3") == (3, 3)
    assert parse_replicas("1-8") == (1, 8)
    for wrong in ("", "0", "3-1", "-2", "a"):
        with pytest.raises(UsageError, match="LEAST-MOST"):
            parse_replicas(wrong)
    server = parse_turn("turn:ada:se:cret@turn.example:3478")
    assert (server.urls, server.username, server.credential) == ("turn:turn.example:3478", "ada", "se:cret")
    for wrong in ("turn.example", "stun:a:b@c", "turn:ada@host", "turn:a:b@"):
        with pytest.raises(UsageError, match="USER:PASSWORD"):
            parse_turn(wrong)


def test_the_manifest_for_kubernetes_is_one_that_ray_serve_takes() -> None:
    schema = pytest.importorskip("ray.serve.schema")
    yaml = pytest.importorskip("yaml")
    docs = Path(__file__).parents[3] / "docs"
    manifest = yaml.safe_load((docs / "fleet-kuberay.yaml").read_text(encoding="utf-8"))
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayService")
    wanted = schema.ServeDeploySchema.model_validate(yaml.safe_load(manifest["spec"]["serveConfigV2"]))
    module, _, name = wanted.applications[0].import_path.partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_a_desk_that_is_away_keeps_no_tenant_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = pytest.importorskip("mien.remote.fleet")
    monkeypatch.setattr(fleet, "_ASK_S", 0.05)
    answers: list[bool] = []

    async def answer(*_said: object) -> bool:
        if not answers:
            await asyncio.Event().wait()
        return answers[0]

    desk = SimpleNamespace(claim=SimpleNamespace(remote=answer))

    def claim() -> None:
        asyncio.run(fleet.FleetTenants(desk, "a").claim(Seat("run", "studio", 30.0), 1))

    claim()
    answers.append(False)
    with pytest.raises(FullError, match="1 seats at a time"):
        claim()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra 'fleet'")
def test_a_fleet_gives_its_seats_away_and_leaves_nothing_behind(tmp_path: Path) -> None:
    env = {**os.environ, **{f"MIEN_{kind}_DIR": str(tmp_path / kind) for kind in ("DATA", "STATE", "CONFIG")}}
    env |= {"TMPDIR": tempfile.mkdtemp(prefix="f", dir="/tmp"), "HOME": str(tmp_path / "home")}
    words = ["serve", "--fleet", "--host", "127.0.0.1", "--port", "7497", "--seats", "1", "--cpus", "0.1"]
    fleet = subprocess.Popen([sys.executable, "-m", "mien", *words], stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert fleet.stdout is not None
        address, code = fleet.stdout.readline().split()
        machine = asyncio.run(pair(parse_address(address), code, Machines(tmp_path / "known.json")))
        assert asyncio.run(_taken_twice(machine)) == "1 of 1, then refused"
    finally:
        fleet.send_signal(signal.SIGINT)
        status = fleet.wait(120)
        if fleet.stdout is not None:
            fleet.stdout.close()
    assert status == 0
    assert list(Path(env["TMPDIR"]).iterdir()) == []
    assert not (tmp_path / "home" / ".ray" / "auth_token").exists()


async def _taken_twice(machine: Machine) -> str:
    address = parse_address(machine.address)
    async with greeted(address) as first:
        welcome, _ = await seated(first, machine, SeatWish("aa", 160, 96, 30.0))
        try:
            async with greeted(address) as second:
                await seated(second, machine, SeatWish("bb", 160, 96, 30.0))
        except MienError:
            return f"{welcome.seats_taken} of {welcome.seats}, then refused"
    return "let in twice"
