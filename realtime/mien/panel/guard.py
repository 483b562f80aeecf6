"""What every request passes first, of HTTP and of WebSockets: where it is for, where it comes from, who sends it."""

from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit

from mien.panel.access import GuestAccess, OwnAccess
from mien.panel.words import Words

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

IS_OWN: Final = "mien.is_own"
"""In a request's scope: whether it is of the person at this machine, and not of a guest in the local network."""
TOKEN: Final = "token"  # noqa: S105 - the name of a parameter
ENTER: Final = "/enter"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_LONGEST_CODE: Final = 256
_POLICY: Final = (
    # The front end of NiceGUI compiles its templates in the browser.
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """An ASGI application in front of the panel. Lets through who has the cookie; else the token or the code.

    The name in Host has to be a number or 'localhost': a page of another name, whose name server says that it is this
    machine (DNS rebinding), is refused. An Origin that is given has to be this very address, and whatever can change
    something, and every WebSocket, has to give one.
    """

    def __init__(self, app: App, own: OwnAccess, guests: GuestAccess, own_port: int) -> None:
        self._app, self._own, self._guests, self._port = app, own, guests, own_port
        self.guest_hosts: frozenset[str] = frozenset()
        """Addresses of this machine in the local network, while its switch is on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        is_own = host in self._own_hosts and _is_loopback(scope)
        is_guest = host in {f"{name}:{self._port}" for name in self.guest_hosts} and self._guests.code is not None
        if not (is_own or is_guest):
            await _refuse(scope, send, 421, "This is not the address of Mien's panel.")
        elif not _is_from_here(scope, headers, host):
            await _refuse(scope, send, 403, "Another page asks for this; Mien's panel answers its own pages only.")
        elif is_own:
            await self._pass_own(scope, receive, send, headers)
        else:
            await self._pass_guest(scope, receive, send, headers)

    @property
    def _own_hosts(self) -> frozenset[str]:
        return frozenset(f"{name}:{self._port}" for name in ("127.0.0.1", "localhost"))

    async def _pass_own(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str]) -> None:
        given = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        token = given.pop(TOKEN, [""])[-1]
        if scope["type"] == "http" and token and scope["method"] in _SAFE_METHODS:
            if self._own.is_token(token):
                # Away from the address, so that it is in no history, screenshot or stream.
                query = urlencode(given, doseq=True)
                await _redirect(send, scope["path"] + (f"?{query}" if query else ""), self._name, self._own.cookie)
            else:
                await _refuse(scope, send, 403, _CLOSED)
        elif self._own.is_cookie(_cookie(headers, self._name)):
            await self._app({**scope, IS_OWN: True}, receive, _with_headers(send))
        else:
            await _refuse(scope, send, 403, _CLOSED)

    async def _pass_guest(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, str]) -> None:
        if self._guests.is_cookie(_cookie(headers, self._name)):
            await self._app({**scope, IS_OWN: False}, receive, _with_headers(send))
        elif scope["type"] != "http":
            await _refuse(scope, send, 403, _CLOSED)
        elif scope["method"] == "POST" and scope["path"] == ENTER:
            await self._enter(receive, send, headers)
        else:
            await _code_page(send, Words.of(headers.get(b"accept-language", "")), self._guests.wait_s(), is_wrong=False)

    async def _enter(self, receive: Receive, send: Send, headers: dict[bytes, str]) -> None:
        body = b""
        while len(body) <= _LONGEST_CODE:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        code = parse_qs(body[:_LONGEST_CODE].decode("latin-1")).get("code", [""])[0]
        cookie = self._guests.enter(code)
        if cookie is None:
            words = Words.of(headers.get(b"accept-language", ""))
            await _code_page(send, words, self._guests.wait_s(), is_wrong=True)
        else:
            await _redirect(send, "/live", self._name, cookie)

    @property
    def _name(self) -> str:
        # Cookies know no ports: two panels of one machine would take each other's.
        return f"mien_panel_{self._port}"


_CLOSED: Final = "Open the address that 'mien panel' prints: it carries a key that this browser does not have yet."


def _is_loopback(scope: Scope) -> bool:
    """Whether a request came in where only this machine can reach."""
    server = scope.get("server")
    return server is not None and str(server[0]) in {"127.0.0.1", "::1"}


def _is_from_here(scope: Scope, headers: dict[bytes, str], host: str) -> bool:
    origin = headers.get(b"origin")
    if origin is not None:
        parts = urlsplit(origin)
        return parts.scheme == "http" and parts.netloc == host
    return scope["type"] == "http" and scope["method"] in _SAFE_METHODS


def _cookie(headers: dict[bytes, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get(b"cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return sending


async def _redirect(send: Send, path: str, name: str, cookie: str) -> None:
    kept = f"{name}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000".encode("latin-1")
    # '//host' would be another machine.
    location = "/" + path.lstrip("/\\")
    headers = [
        (b"location", location.encode("latin-1", "replace")),
        (b"set-cookie", kept),
        (b"cache-control", b"no-store"),
    ]
    await _answer(send, 303, headers, b"")


async def _refuse(scope: Scope, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        # Before it is accepted this is HTTP's 403.
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    await _answer(send, status, [(b"content-type", b"text/plain; charset=utf-8")], f"{why}\n".encode())


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *HEADERS]})
    await send({"type": "http.response.body", "body": body})


async def _code_page(send: Send, words: Words, wait_s: float, *, is_wrong: bool) -> None:
    """Ask for the code; nothing of the panel is loaded before it was right."""
    says = words("Type the six digits that Mien's panel shows on the computer.")
    if wait_s > 0:
        says = words("Too many tries. Wait a minute, then type the code again.")
    elif is_wrong:
        says = words("That was not the code. Look at it again.")
    page = _CODE_PAGE.format(says=escape(says), label=escape(words("Code")), button=escape(words("Open")))
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
    await _answer(send, 401, headers, page.encode())


_CODE_PAGE: Final = """<!doctype html><html><head><meta charset="utf-8"><title>Mien</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:#0d0f13;color:#eef1f5;
font:18px/1.5 system-ui,sans-serif}}form{{display:grid;gap:16px;width:min(300px,86vw)}}h1{{margin:0;font-size:40px}}
input{{font:600 34px/1.4 ui-monospace,monospace;letter-spacing:.22em;text-align:center;background:#1c2129;color:inherit;
border:1px solid #465062;border-radius:14px;padding:10px;width:100%;box-sizing:border-box}}
button{{font:600 18px/1 system-ui;padding:16px;border:0;border-radius:14px;background:#86c8ff;color:#08131d}}
</style></head><body><form method="post" action="/enter"><h1>Mien</h1><p>{says}</p>
<input name="code" aria-label="{label}" inputmode="numeric" autocomplete="one-time-code" maxlength="6" autofocus>
<button>{button}</button></form></body></html>"""
