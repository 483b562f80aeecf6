"""Nobody but the user at this machine, or a guest who knows the code, gets an answer of the panel."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final

import pytest

from mien.panel.access import GuestAccess, OwnAccess
from mien.panel.guard import IS_OWN, Guard

PORT: Final = 8436
HERE: Final = f"127.0.0.1:{PORT}"
LAN: Final = "192.168.1.20"
TOKEN: Final = "t" * 32
OWN: Final = OwnAccess(TOKEN)
COOKIE: Final = f"mien_panel_{PORT}={OWN.cookie}"


class Inner:
    """The application behind the guard, which remembers who got through."""

    def __init__(self) -> None:
        self.reached: list[bool] = []

    async def __call__(self, scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        self.reached.append(bool(scope[IS_OWN]))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"within"})
        else:
            await send({"type": "websocket.accept"})


class Rig:
    def __init__(self) -> None:
        self.inner = Inner()
        self.guests = GuestAccess()
        self.guard = Guard(self.inner, OWN, self.guests, PORT)

    def ask(
        self,
        method: str = "GET",
        path: str = "/live",
        *,
        query: str = "",
        server: str = "127.0.0.1",
        body: bytes = b"",
        kind: str = "http",
        **headers: str,
    ) -> tuple[int, dict[str, str]]:
        """Ask; give the status (a WebSocket that is let in is 101) and the headers."""
        given = {"host": HERE, **{name.replace("_", "-"): text for name, text in headers.items()}}
        scope = {
            "type": kind,
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), text.encode()) for name, text in given.items() if text],
            "server": (server, PORT),
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.guard(scope, receive, send))
        first = sent[0]
        if kind == "websocket":
            return (101 if first["type"] == "websocket.accept" else 403), {}
        return first["status"], {name.decode(): text.decode() for name, text in first["headers"]}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_token_in_the_address_becomes_a_strict_cookie_and_leaves_the_address(rig: Rig) -> None:
    status, headers = rig.ask(path="/live", query=f"a=1&token={TOKEN}")
    assert (status, headers["location"]) == (303, "/live?a=1")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(headers["set-cookie"].split("; "))
    assert TOKEN not in headers["set-cookie"]
    assert not rig.inner.reached
    assert rig.ask(cookie=headers["set-cookie"].partition(";")[0])[0] == 200
    assert rig.inner.reached == [True]


@pytest.mark.parametrize(
    ("why", "status", "asked"),
    [
        ("nothing is known of the browser", 403, {}),
        ("the token is wrong", 403, {"query": "token=" + "u" * 32}),
        ("the token is a part of the right one", 403, {"query": "token=" + TOKEN[:-1]}),
        ("the cookie is wrong", 403, {"cookie": COOKIE[:-1] + "0"}),
        ("the token is used as a cookie", 403, {"cookie": f"mien_panel_{PORT}={TOKEN}"}),
        ("the cookie cannot be read", 403, {"cookie": "\x01=;;;,"}),
        ("a name server says that it is this machine", 421, {"host": f"rebound.example:{PORT}", "cookie": COOKIE}),
        ("the port is another one's", 421, {"host": "127.0.0.1:80", "cookie": COOKIE}),
        ("there is no host", 421, {"host": "", "cookie": COOKIE}),
        ("it says this host and came in from the network", 421, {"server": LAN, "cookie": COOKIE}),
        ("another page asks", 403, {"cookie": COOKIE, "origin": "http://evil.example"}),
        ("a page of another port asks", 403, {"cookie": COOKIE, "origin": "http://127.0.0.1:9999"}),
        ("a sandboxed page asks", 403, {"cookie": COOKIE, "origin": "null"}),
        ("a page with another name for it asks", 403, {"cookie": COOKIE, "origin": f"http://localhost:{PORT}"}),
        ("a change is asked for by nobody knows whom", 403, {"cookie": COOKIE, "method": "POST"}),
        ("the network is not let in", 421, {"host": f"{LAN}:{PORT}", "server": LAN, "cookie": COOKIE}),
    ],
)
def test_it_is_refused_when(rig: Rig, why: str, status: int, asked: dict[str, str]) -> None:
    assert rig.ask(**asked)[0] == status, why  # type: ignore[arg-type]
    assert not rig.inner.reached
    if "query" not in asked:
        assert rig.ask(kind="websocket", **asked)[0] == 403, why  # type: ignore[arg-type]
    assert not rig.inner.reached


def test_a_websocket_has_to_say_which_page_opens_it(rig: Rig) -> None:
    assert rig.ask(kind="websocket", cookie=COOKIE)[0] == 403
    assert rig.ask(kind="websocket", cookie=COOKIE, origin=f"https://{HERE}")[0] == 403
    assert rig.ask(kind="websocket", cookie=COOKIE, origin=f"http://{HERE}")[0] == 101
    assert rig.ask("POST", cookie=COOKIE, origin=f"http://{HERE}")[0] == 200
    assert rig.inner.reached == [True, True]


def test_every_answer_forbids_what_comes_from_elsewhere(rig: Rig) -> None:
    for asked in ({}, {"cookie": COOKIE}, {"query": f"token={TOKEN}"}):
        _, headers = rig.ask(**asked)  # type: ignore[arg-type]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_path_that_begins_like_another_machine_stays_here(rig: Rig) -> None:
    _, headers = rig.ask(path="//evil.example/x", query=f"token={TOKEN}")
    assert headers["location"] == "/evil.example/x"


def guest(rig: Rig, **asked: str) -> tuple[int, dict[str, str]]:
    return rig.ask(host=f"{LAN}:{PORT}", server=LAN, origin=f"http://{LAN}:{PORT}", **asked)  # type: ignore[arg-type]


def test_a_guest_is_let_in_by_the_code_only_while_the_network_is_open(rig: Rig) -> None:
    code = rig.guests.open()
    rig.guard.guest_hosts = frozenset({LAN})
    assert guest(rig)[0] == 401
    assert guest(rig, query=f"token={TOKEN}")[0] == 401, "the token is for this machine"
    assert guest(rig, cookie=COOKIE)[0] == 401
    assert guest(rig, method="POST", path="/enter", body=b"code=000000x")[0] == 401  # type: ignore[arg-type]
    status, headers = guest(rig, method="POST", path="/enter", body=f"code={code}".encode())  # type: ignore[arg-type]
    assert status == 303
    cookie = headers["set-cookie"].partition(";")[0]
    assert guest(rig, cookie=cookie)[0] == 200
    assert rig.inner.reached == [False], "a guest is not the person at this machine"
    assert rig.ask(cookie=cookie)[0] == 403, "what lets a guest in does not open this machine's own side"
    rig.guests.close()
    assert guest(rig, cookie=cookie)[0] == 421
    rig.guests.open()
    assert guest(rig, cookie=cookie)[0] == 401, "who was let in has to type the new code"
