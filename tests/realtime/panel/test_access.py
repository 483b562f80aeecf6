"""The token and the code."""

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.panel.access import GuestAccess, OwnAccess, own_token


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_the_token_is_kept_for_its_owner_alone_and_is_the_same_tomorrow() -> None:
    token = own_token()
    assert len(token) >= 32
    assert own_token() == token
    path = Path(os.environ["MIEN_STATE_DIR"]) / "panel" / "token"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        assert own_token() != token, "others could have read it"
    path.write_text("short")
    path.chmod(0o600)
    assert len(own_token()) >= 32


@given(st.text())
def test_nothing_but_the_token_and_its_cookie_is_taken(text: str) -> None:
    own = OwnAccess("a" * 32)
    assert own.is_token(text) == (text == "a" * 32)
    assert own.is_cookie(text) == (text == own.cookie)


def test_five_wrong_codes_in_a_minute_are_enough_also_for_the_right_one() -> None:
    now_s = [100.0]
    guests = GuestAccess(clock_s=lambda: now_s[0])
    code = guests.open()
    assert len(code) == 6
    for _ in range(5):
        assert guests.enter(wrong(code)) is None
    assert guests.wait_s() == 60
    assert guests.enter(code) is None, "the right code is not looked at either"
    now_s[0] += 61
    assert guests.wait_s() == 0
    cookie = guests.enter(code)
    assert cookie is not None
    assert guests.is_cookie(cookie)
    assert not guests.is_cookie("")


def test_a_code_that_was_guessed_at_long_enough_is_no_longer_the_code() -> None:
    now_s = [0.0]
    guests = GuestAccess(clock_s=lambda: now_s[0])
    first = guests.open()
    for _ in range(30):
        now_s[0] += 61
        guests.enter(wrong(first))
    assert guests.code != first
    now_s[0] += 61
    assert guests.enter(first) is None


def test_nobody_enters_while_it_is_closed_and_the_ninth_guest_takes_the_place_of_the_first() -> None:
    guests = GuestAccess()
    assert guests.enter("") is None
    code = guests.open()
    cookies = [guests.enter(code) for _ in range(9)]
    assert [guests.is_cookie(cookie or "") for cookie in cookies] == [False] + [True] * 8
    guests.close()
    assert not any(guests.is_cookie(cookie or "") for cookie in cookies)


@pytest.mark.parametrize("text", ["", "12345", "1234567", "１２３４５６", "none", "\x00" * 6])
def test_what_is_no_code_is_none(text: str) -> None:
    guests = GuestAccess()
    guests.open()
    guests.code = "123456"
    assert guests.enter(text) is None
