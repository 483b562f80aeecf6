"""Codes, proofs and passes."""

import base64
import json
from datetime import UTC, datetime

import pytest

from mien.remote.machines import Address, Machine, Machines, parse_address
from mien.remote.pairing import Tries, is_proved, new_code, proof, stretched
from mien.remote.passes import Pass, PassError
from mien_models.errors import UsageError


def test_a_code_may_be_typed_in_small_letters_and_without_its_dashes() -> None:
    code = new_code()
    assert stretched(code.lower().replace("-", " "), "aa") == stretched(code, "aa")


def test_a_proof_is_of_one_code_one_nonce_and_one_certificate() -> None:
    key = stretched("ABCD-EFGH-JKLM", "aa")
    made = proof(key, "client", "aa", "bb", "certificate")
    assert is_proved(made, key, "client", "aa", "bb", "certificate")
    assert not is_proved(made, key, "box", "aa", "bb", "certificate")
    assert not is_proved(made, key, "client", "aa", "bb", "another")
    assert not is_proved(made, stretched("ABCD-EFGH-JKLN", "aa"), "client", "aa", "bb", "certificate")
    assert not is_proved("é", key, "client")


def test_after_five_wrong_codes_a_minute_has_to_pass() -> None:
    now_s = 100.0
    tries = Tries(lambda: now_s)
    for _ in range(5):
        assert tries.wait_s == 0
        tries.fail()
    assert tries.wait_s == 60
    now_s += 59
    assert tries.wait_s == 1
    now_s += 1
    assert tries.wait_s == 0


def test_a_pass_whose_tenant_was_changed_has_another_secret() -> None:
    mine = Pass.new("studio", seats=3)
    forged = Pass(mine.id, "studio", mine.until, 300)
    assert Pass.read(forged.text).secret(b"x" * 32) != mine.secret(b"x" * 32)


def test_a_pass_that_has_run_out_says_so() -> None:
    old = Pass("id", "", round(datetime.now(UTC).timestamp()) - 1, 0)
    with pytest.raises(PassError, match="run out"):
        Pass.read(old.text)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "[" * 2000, '{"id": 1e999, "tenant": "", "until": 1e999, "seats": 0}', "\x00"]
)
def test_whatever_a_pass_holds_it_is_refused_in_one_sentence(content: str) -> None:
    for text in (content, base64.urlsafe_b64encode(content.encode()).decode()):
        with pytest.raises(PassError, match="damaged"):
            Pass.read(text)


def test_a_machine_is_known_by_its_address_and_its_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    machines = Machines(tmp_path_factory.mktemp("m") / "machines.json")
    first, second = (Machine(f"host{n}:1", "box", f"f{n}", "p", "aa") for n in (1, 2))
    machines.remember(first)
    machines.remember(second)
    moved = Machine("host3:1", "box", "f1", "p", "aa")
    machines.remember(moved)
    assert machines.known() == (second, moved)
    assert machines.find(Address("host3", 1)) == moved
    assert machines.find(Address("host1", 1)) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"machines": 3}', b'{"machines": [{"a": 1}]}', b"\xff"])
def test_a_damaged_list_of_machines_is_as_good_as_none(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("m") / "machines.json"
    file.write_bytes(content)
    assert Machines(file).known() == ()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("box", "box", 7420), ("10.0.0.1:80", "10.0.0.1", 80), ("[fe80::1]:90", "fe80::1", 90), ("::1", "::1", 7420)],
)
def test_an_address_is_a_host_and_maybe_a_port(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)
    assert parse_address(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize("text", ["", ":80", "a b", "box:0", "box:70000", "box:x", "http://box", "a@b", "box:²"])
def test_what_is_no_address_is_said_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_address(text)


def test_a_pass_is_what_it_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Pass.new("studio", seats=2, days=1)
    assert Pass.read(made.text) == made
    assert json.loads(base64.urlsafe_b64decode(made.text))["tenant"] == "studio"
