"""A small WHIP server: aiohttp takes the offer, aiortc the stream."""

import asyncio
import ssl
import threading
from typing import Any, Self

from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

TOKEN = "s3cret-bearer"


class WhipServer:
    """Serves between enter and exit."""

    def __init__(self, port: int, *, status: int = 201, answer: str | None = None, hangs: bool = False) -> None:
        self.port, self.status, self.said, self.hangs = port, status, answer, hangs
        self.counts = {"video": 0, "audio": 0}
        self.deleted = 0
        self.tls: ssl.SSLContext | None = None
        self._peers: list[RTCPeerConnection] = []
        self._tasks: list[asyncio.Future[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _begin(self) -> None:
        self._ending = asyncio.Event()
        app = web.Application()
        app.router.add_post("/live/key", self._take)
        app.router.add_delete("/resource/1", self._delete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls).start()

    async def _end(self) -> None:
        self._ending.set()
        for peer in self._peers:
            await peer.close()
        await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()

    async def _take(self, request: web.Request) -> web.Response:
        if self.hangs:
            await self._ending.wait()
            return web.Response(status=503)
        if self.status != 201:
            return web.Response(status=self.status)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        text = self.said if self.said is not None else await self._answer(await request.text())
        return web.Response(status=201, text=text, content_type="application/sdp", headers={"location": "/resource/1"})

    async def _answer(self, offer: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        peer.on("track", self._count)
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    async def _delete(self, _request: web.Request) -> web.Response:
        self.deleted += 1
        return web.Response()

    def _count(self, track: MediaStreamTrack) -> None:
        async def count() -> None:
            while True:
                await track.recv()
                self.counts[track.kind] += 1

        task = asyncio.ensure_future(count())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks.append(task)
