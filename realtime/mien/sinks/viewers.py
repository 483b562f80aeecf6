"""Who watches by WebRTC: they come by an offer, get every packet at its moment, and go without a word."""

import asyncio
import secrets
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from av.packet import Packet

from mien.sinks.web_peer import WebPeer
from mien_models.errors import SinkError

if TYPE_CHECKING:
    from aiohttp import web

_MOST: Final = 12
"""Each costs about a twentieth of a core, and the bit rate once more."""
_COMES_S: Final = 15.0
"""Who has not connected by then does not come."""
_KEY_EVERY_S: Final = 1.0
_LONGEST_BYTES: Final = 64 * 1024
_PAGE: Final = "watch.html"


class Viewers:
    """Has state: who watches. All of it happens in one loop's thread, but `count`, which any may read."""

    def __init__(self, want_key: Callable[[], None], *, is_only_here: bool) -> None:
        """Take what makes a key frame, and whether nobody may watch but on this computer."""
        self._want_key, self._is_only_here = want_key, is_only_here
        self._peers: dict[WebPeer, asyncio.Task[None]] = {}
        self._due_ns: dict[Fraction, int] = {}
        self._asked_s = 0.0

    @property
    def count(self) -> int:
        """How many watch, or are about to."""
        return len(self._peers)

    def give(self, packet: "Packet[Any]", captured_ns: int, due_ns: int) -> None:
        """Send a packet to everybody at a time of `time.monotonic_ns()`, which is that of the loop."""
        base = packet.time_base
        # After the one before it, also where the delay has become shorter meanwhile.
        self._due_ns[base] = due_ns = max(due_ns, self._due_ns.get(base, 0) + 1000)
        asyncio.get_running_loop().call_at(due_ns / 1e9, self._send, packet, captured_ns)

    async def page(self, _request: "web.Request") -> "web.Response":
        """Give the page."""
        from aiohttp import web

        nonce = secrets.token_urlsafe(12)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )
        text = (files("mien.sinks") / _PAGE).read_text(encoding="utf-8").replace("NONCE", nonce)
        return web.Response(text=text, content_type="text/html", headers={"content-security-policy": policy})

    async def enter(self, request: "web.Request") -> "web.Response":
        """Take an offer, in the manner of WHEP: SDP in, SDP out."""
        from aiohttp import web

        if self.count >= _MOST:
            return web.Response(status=503, text=f"{_MOST} watch already; close one of the other pages.")
        if (request.content_length or 0) > _LONGEST_BYTES:
            return web.Response(status=413, text="That is longer than any browser's offer.")
        offer = (await request.read()).decode(errors="replace")
        peer = WebPeer(self._ask_for_key, is_only_here=self._is_only_here)
        self._peers[peer] = asyncio.create_task(self._kept(peer))
        try:
            answer = await asyncio.wait_for(peer.answer(offer), _COMES_S)
        except (SinkError, TimeoutError) as error:
            peer.is_over.set()
            return web.Response(status=400, text=str(error) or "The offer could not be answered in time.")
        return web.Response(status=201, text=answer, content_type="application/sdp")

    async def close(self) -> None:
        """Let everybody go."""
        for peer in self._peers:
            peer.is_over.set()
        if self._peers:
            await asyncio.wait(list(self._peers.values()), timeout=2)

    async def _kept(self, peer: WebPeer) -> None:
        """Keep one while it watches; whatever happens to it, happens to no other."""
        looking = asyncio.create_task(peer.look_after())
        try:
            await _first(peer.is_up, peer.is_over, _COMES_S)
            if peer.is_up.is_set():
                self._ask_for_key()
                await peer.is_over.wait()
        finally:
            looking.cancel()
            self._peers.pop(peer, None)
            await peer.close()

    def _send(self, packet: "Packet[Any]", captured_ns: int) -> None:
        for peer in self._peers:
            peer.put(packet, captured_ns, is_thinned=peer.is_lossy)

    def _ask_for_key(self) -> None:
        """Have a key frame made for whoever came or lost something; who asks all the time spoils it for nobody."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._asked_s >= _KEY_EVERY_S:
            self._asked_s = now_s
            self._want_key()


async def _first(one: asyncio.Event, other: asyncio.Event, timeout_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
