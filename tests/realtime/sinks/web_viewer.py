"""A viewer by WebRTC that is no browser: aiortc in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription


class Viewer:
    """Watches between enter and exit."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.counts = {"video": 0, "audio": 0}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._watch())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._peer.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def wait(self, is_so: Callable[[], bool], timeout_s: float = 40) -> None:
        ends_s = time.monotonic() + timeout_s
        while not is_so():
            assert time.monotonic() < ends_s, f"it did not come: {self.counts}"
            time.sleep(0.05)

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(40)

    async def _watch(self) -> None:
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.addTransceiver("video", direction="recvonly")
        self._peer.addTransceiver("audio", direction="recvonly")
        self._peer.on("track", self._count)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        async with aiohttp.ClientSession() as session:
            data = self._peer.localDescription.sdp.encode()
            async with session.post(f"{self.address}/offer", data=data) as answered:
                text = await answered.text()
                assert answered.status == 201, text
        await self._peer.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def _count(self, track: MediaStreamTrack) -> None:
        async def count() -> None:
            while True:
                await track.recv()
                self.counts[track.kind] += 1

        self._task = asyncio.ensure_future(count())
        self._task.add_done_callback(lambda task: task.exception())
