"""A small obs-websocket 5 server, after its public protocol description; OBS itself is not here."""

import asyncio
import base64
import hashlib
import threading
from typing import Any, Self

import msgpack
from websockets.asyncio.server import ServerConnection, serve

SALT, CHALLENGE = "c2FsdA==", "Y2hhbGxlbmdl"


class ObsServer:
    """Serves between enter and exit; remembers every offset that was set."""

    def __init__(self, password: str | None = None, *, keeps: bool = True, port: int = 0) -> None:
        self.port, self.offsets, self.set_ms = port, {"Mic/Aux": 20, "Desktop Audio": 0}, list[tuple[str, int]]()
        self._password, self._keeps = password, keeps
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _begin(self) -> Any:
        return await serve(self._talk, "127.0.0.1", self.port, subprotocols=["obswebsocket.msgpack"])  # type: ignore[list-item]

    async def _end(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, peer: ServerConnection) -> None:
        hello: dict[str, Any] = {"obsWebSocketVersion": "5.5.0", "rpcVersion": 1}
        if self._password is not None:
            hello["authentication"] = {"challenge": CHALLENGE, "salt": SALT}
        await peer.send(msgpack.packb({"op": 0, "d": hello}))
        identify = msgpack.unpackb(await peer.recv())["d"]
        if self._password is not None and identify.get("authentication") != expected(self._password):
            await peer.close(4009, "Authentication failed.")
            return
        await peer.send(msgpack.packb({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
        async for message in peer:
            asked = msgpack.unpackb(message)["d"]
            code, found = self._answer(asked["requestType"], asked.get("requestData") or {})
            status = {"result": code == 100, "code": code}
            reply = {"requestType": asked["requestType"], "requestId": asked["requestId"], "requestStatus": status}
            await peer.send(msgpack.packb({"op": 7, "d": {**reply, "responseData": found}}))

    def _answer(self, request: str, wishes: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        match request:
            case "GetSpecialInputs":
                return 100, {"desktop1": "Desktop Audio", "mic1": "Mic/Aux", "mic2": None}
            case "GetInputList":
                return 100, {"inputs": [{"inputName": name, "inputKind": "any"} for name in self.offsets]}
            case "GetInputAudioSyncOffset":
                return 100, {"inputAudioSyncOffset": self.offsets[wishes["inputName"]]}
            case "SetInputAudioSyncOffset":
                self.set_ms.append((wishes["inputName"], wishes["inputAudioSyncOffset"]))
                if self._keeps:
                    self.offsets[wishes["inputName"]] = wishes["inputAudioSyncOffset"]
                return 100, None
            case _:
                return 204, None


def expected(password: str) -> str:
    """Give what proves a password, as the protocol describes it."""
    secret = base64.b64encode(hashlib.sha256((password + SALT).encode()).digest()).decode()
    return base64.b64encode(hashlib.sha256((secret + CHALLENGE).encode()).digest()).decode()
