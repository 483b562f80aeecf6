"""A line to a streaming server, in our own hands: it opens in time, is encrypted properly, and can always be cut.

FFmpeg's RTMP client waits for a server that never answers for as long as that likes, and cannot be interrupted. It is
given a door on this computer instead, behind which bytes are passed on to the server and back.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Final

from mien_models.errors import SinkError

_OPENS_S: Final = 4.0
"""For name, connection and encryption together; what asks for a line says within 5 s that there is none."""
_STUCK_S: Final = 5.0
"""A server that takes nothing for so long is gone."""
_DOOR_BYTES: Final = 64 * 1024
"""What may wait between FFmpeg and the line: little, so that a slow line is felt at once."""
_PIECE_BYTES: Final = 32 * 1024


class Line:
    """Has state: the sockets; two threads pass bytes on until it is cut."""

    def __init__(self, host: str, port: int, *, is_encrypted: bool) -> None:
        self._host, self._port, self._is_encrypted = host, port, is_encrypted
        self._server: socket.socket | None = None
        self._door: socket.socket | None = None
        self._client: socket.socket | None = None
        self._is_cut = threading.Event()

    def open(self) -> None:
        """Connect, and open the door.

        Raises:
            SinkError: the server cannot be reached in time, or its certificate does not fit.
        """
        with contextlib.ExitStack() as undo:
            self._server = undo.enter_context(_connected(self._host, self._port, is_encrypted=self._is_encrypted))
            self._server.settimeout(_STUCK_S)
            self._door = undo.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
            self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DOOR_BYTES)
            self._door.settimeout(_OPENS_S)
            undo.pop_all()
        _start(self._let_in)

    @property
    def port(self) -> int:
        """Of the door, at 127.0.0.1."""
        assert self._door is not None  # noqa: S101 - known once it is open
        address: tuple[str, int] = self._door.getsockname()
        return address[1]

    def cut(self) -> None:
        """End it now; whoever writes into the door is told by an error. Any thread may."""
        self._is_cut.set()
        for end in (self._server, self._client, self._door):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _let_in(self) -> None:
        door, server = self._door, self._server
        if door is None or server is None:
            return
        try:
            client, _ = door.accept()
        except OSError:
            self.cut()
            return
        self._client = client
        _start(lambda: self._pass_on(server, client))
        self._pass_on(client, server)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        """Pass bytes on until one end closes."""
        try:
            while not self._is_cut.is_set():
                try:
                    piece = source.recv(_PIECE_BYTES)
                except TimeoutError:  # a server may be silent, that is no fault
                    continue
                if not piece:
                    break
                target.sendall(piece)
        except OSError:
            pass
        finally:
            self.cut()


def _start(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="mien-line", daemon=True).start()


def _connected(host: str, port: int, *, is_encrypted: bool) -> socket.socket:
    ends_s = time.monotonic() + _OPENS_S
    try:
        plain = socket.create_connection((host, port), timeout=_OPENS_S)
    except socket.gaierror as error:
        raise SinkError(f"There is no computer named {host!r}; check the address of the stream.") from error
    except ConnectionRefusedError as error:
        raise SinkError(f"{host} takes no streams at port {port}; is the server running?") from error
    except OSError as error:
        raise SinkError(f"{host} does not answer at port {port} ({error.strerror or 'time-out'}).") from error
    if not is_encrypted:
        return plain
    plain.settimeout(max(0.5, ends_s - time.monotonic()))
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise SinkError(
            f"{host} shows a certificate that does not fit ({error.verify_message}); nothing was sent to it."
        ) from error
    except OSError as error:
        plain.close()
        raise SinkError(
            f"{host} speaks no TLS at port {port}; an unencrypted server is rtmp://, not rtmps://."
        ) from error
