"""The local socket of a session: other programs of the same user steer it by JSON messages."""

import base64
import contextlib
import dataclasses
import logging
import os
import socket
import sys
import threading
import time
from importlib.metadata import version
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from types import TracebackType
from typing import Final, Self

import cv2
from pydantic import BaseModel, JsonValue, ValidationError

from mien.pipeline.events import Event
from mien.session import messages
from mien.session.recordings import record
from mien.session.rendezvous import Running, announce, withdraw
from mien.session.session import Applied, Session, SettingsPatch, Subscription
from mien_models.errors import MienError
from mien_models.system.sentence import parts_in
from mien_models.types import BgrU8

_LOG = logging.getLogger(__name__)
_MOST_CLIENTS: Final = 32
_GREETING_S: Final = 5.0
_CHANGE_S: Final = 60.0
_LOOK_S: Final = 0.5
_GOODBYE_S: Final = 2.0


class ControlServer:
    """Listens between enter and exit. Has state: its listener and a thread for each client.

    A client that says nothing, rubbish or too much costs nobody but itself: it has a thread of its own, a limit of
    bytes, and is let go at the first message that cannot be read.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: Running | None = None
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._clients: dict[threading.Thread, Connection] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin to listen; where that is not possible, it is said, and the session goes on without."""
        try:
            self._running = announce()
            self._begin(self._running)
        except (MienError, OSError) as error:
            _LOG.warning("'mien ctl' and the panel cannot reach this session: %s", error)
        return self

    def _begin(self, running: Running) -> None:
        family = "AF_PIPE" if running.address.startswith("\\\\") else "AF_UNIX"
        # No authkey: a client that never answers the challenge would keep all others from being let in.
        self._listener = Listener(running.address, family, backlog=_MOST_CLIENTS)
        self._thread = threading.Thread(target=self._listen, name="mien-control-socket", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let every client go and stop listening."""
        self._ending.set()
        if self._running is not None and self._listener is not None:
            # Closing does not wake a thread that waits for clients; a client does.
            with contextlib.suppress(OSError, EOFError):
                Client(self._running.address).close()
            if self._thread is not None:
                self._thread.join(_GOODBYE_S)
            self._listener.close()
        if self._running is not None:
            withdraw(self._running)
        with self._lock:
            clients = dict(self._clients)
        for connection in clients.values():
            _cut(connection)
        for thread in clients:
            thread.join(_GOODBYE_S)

    def _listen(self) -> None:
        while not self._ending.is_set() and self._listener is not None:
            try:
                connection = self._listener.accept()
            except OSError:
                self._ending.wait(_LOOK_S)
                continue
            if self._ending.is_set():
                connection.close()
            else:
                self._take(connection)

    def _take(self, connection: Connection) -> None:
        thread = threading.Thread(target=self._serve, args=(connection,), name="mien-control-client", daemon=True)
        with self._lock:
            if len(self._clients) >= _MOST_CLIENTS:
                connection.close()
                return
            self._clients[thread] = connection
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            with connection:
                if self._is_ours(connection):
                    _Conversation(self._session, connection).serve()
        except (OSError, EOFError, ValueError, AuthenticationError) as error:
            _LOG.debug("a client was let go: %r", error)
        finally:
            with self._lock:
                self._clients.pop(threading.current_thread(), None)

    def _is_ours(self, connection: Connection) -> bool:
        """Let both sides show that they know the key; a client that dawdles is let go."""
        key = bytes.fromhex("" if self._running is None else self._running.key_hex)
        is_late = threading.Timer(_GREETING_S, _cut, (connection,))
        is_late.daemon = True
        is_late.start()
        try:
            deliver_challenge(connection, key)
            answer_challenge(connection, key)
        finally:
            is_late.cancel()
        return True


class _Conversation:
    """One program that steers. Has state: its events."""

    def __init__(self, session: Session, connection: Connection) -> None:
        self._session, self._connection = session, connection
        self._events: Subscription | None = None
        self._missed = 0

    def serve(self) -> None:
        """Answer until the client goes, or says what cannot be read."""
        self._send(messages.Hello(version=messages.VERSION, program=f"mien {version('mien')}"))
        try:
            if not self._is_greeted():
                return
            while True:
                self._answer(self._connection.recv_bytes(messages.LARGEST_REQUEST_BYTES))
        finally:
            if self._events is not None:
                self._events.close()

    def _is_greeted(self) -> bool:
        data = self._connection.recv_bytes(messages.LARGEST_REQUEST_BYTES)
        try:
            hello = messages.Hello.model_validate_json(data)
        except ValidationError:
            self._send(messages.Failed(why="Expected a hello with the protocol's version first."))
            return False
        if hello.version != messages.VERSION:
            self._send(
                messages.Failed(
                    why=f"This session speaks version {messages.VERSION} of the protocol, {hello.program!r} speaks "
                    f"{hello.version}; use the mien that the session was started with."
                )
            )
            return False
        return True

    def _answer(self, data: bytes) -> None:
        try:
            request = messages.REQUEST.validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "message"
            self._send(messages.Failed(why=f"The request was not understood: {place}: {first['msg']}."))
            return
        try:
            reply = self._reply(request)
        except Exception as error:  # noqa: BLE001 - the edge of a client: the session goes on
            _LOG.debug("a request failed", exc_info=True)
            reply = messages.Failed(why=f"The request failed: {error!r}.")
        self._send(reply)

    def _reply(self, request: BaseModel) -> BaseModel:
        reply: BaseModel
        match request:
            case messages.Set():
                reply = self._set(request)
            case messages.SetPrivacy():
                reply = self._privacy(request)
            case messages.Reveal():
                reply = messages.Revealed(shown=self._session.reveal())
            case messages.Freeze():
                reply = messages.Frozen(on=self._session.freeze(on=request.on))
            case messages.Record():
                reply = self._record(request)
            case messages.Stop():
                self._session.stop()
                reply = messages.Done()
            case messages.GetPreview():
                reply = self._preview(request)
            case messages.GetFaces():
                reply = self._faces(request.side_px)
            case messages.GetEvents():
                reply = self._new_events(request.wait_s)
            case _:
                reply = self._status()
        return reply

    def _privacy(self, request: messages.SetPrivacy) -> BaseModel:
        on = not self._session.status().is_private if request.on is None else request.on
        self._session.set_privacy(on=on)
        return messages.Privacy(on=on)

    def _status(self) -> BaseModel:
        status = self._session.status()
        return messages.Status(status=messages.as_json(dataclasses.asdict(status)), sentences=parts_in(status))

    def _set(self, request: messages.Set) -> BaseModel:
        answer = self._session.apply(SettingsPatch(request.values, request.revision)).result(_CHANGE_S)
        if isinstance(answer, Applied):
            return messages.AppliedReply(revision=answer.revision, changed=answer.changed)
        return messages.RefusedReply(
            revision=answer.revision, reasons=dict(answer.reasons), sentences=parts_in(answer.reasons)
        )

    def _record(self, request: messages.Record) -> BaseModel:
        try:
            return messages.Recorded(files=record(self._session, request.action, request.path))
        except MienError as error:
            return messages.Failed(why=str(error))

    def _preview(self, request: messages.GetPreview) -> BaseModel:
        preview = self._session.preview(request.width)
        if preview is None or preview.index <= request.newer_than:
            index, state = (-1, "") if preview is None else (preview.index, preview.state.value)
            return messages.PreviewReply(jpeg=None, index=index, state=state)
        camera = self._session.camera_picture(request.width) if request.with_camera else None
        return messages.PreviewReply(
            jpeg=_jpeg(preview.image_bgr, request.quality),
            index=preview.index,
            state=preview.state.value,
            camera_jpeg=None if camera is None else _jpeg(camera.image_bgr, request.quality),
        )

    def _faces(self, side_px: int) -> BaseModel:
        seen = self._session.faces_in_sight(side_px)
        return messages.FacesReply(
            faces=tuple(messages.SeenFace(id=one.id, role=one.role, jpeg=_jpeg(one.image_bgr)) for one in seen)
        )

    def _new_events(self, wait_s: float) -> BaseModel:
        events = self._events = self._events or self._session.subscribe()
        found: list[dict[str, JsonValue]] = []
        ends_s = time.monotonic() + wait_s
        while (event := events.get(0 if found else max(ends_s - time.monotonic(), 0))) is not None:
            found.append(_as_json(event))
        missed, self._missed = events.missed - self._missed, events.missed
        return messages.EventsReply(events=tuple(found), missed=missed)

    def _send(self, message: BaseModel) -> None:
        self._connection.send_bytes(messages.text_of(message))


def _jpeg(image_bgr: BgrU8, quality: int = 80) -> str:
    _, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return base64.b64encode(data.tobytes()).decode()


def _as_json(event: Event) -> dict[str, JsonValue]:
    fields = messages.as_json(dataclasses.asdict(event.fact))
    return {"at_s": event.at_s, "kind": type(event.fact).__name__, **fields}


def _cut(connection: Connection) -> None:
    """End a connection that another thread reads: that thread's read fails."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            connection.close()
            return
        with socket.socket(fileno=os.dup(connection.fileno())) as one:
            one.shutdown(socket.SHUT_RDWR)
