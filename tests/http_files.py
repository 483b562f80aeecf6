"""A server of files that breaks off, lies and sends elsewhere when it is told to."""

import hashlib
import http.server
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    tag: str = '"v1"'
    breaks_after: list[int] = field(default_factory=list[int])
    """Each answer is cut after so many bytes, while the list lasts."""
    has_ranges: bool = True
    says_length: bool = True
    asked: list[str | None] = field(default_factory=list[str | None])


@contextmanager
def serving(behaviour: Behaviour) -> Generator[str]:
    """Serve /net.onnx and /elsewhere/ADDRESS at the address that is given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/elsewhere/"):
                self._send_on(self.path.removeprefix("/elsewhere/"))
            elif self.path.startswith("/net.onnx"):
                self._send()
            else:
                self.send_error(404)

        def _send_on(self, where: str) -> None:
            self.send_response(302)
            self.send_header("Location", where)
            self.end_headers()

        def _send(self) -> None:
            asked = self.headers.get("Range")
            behaviour.asked.append(asked)
            goes_on = behaviour.has_ranges and asked is not None and self.headers.get("If-Range") == behaviour.tag
            start = int(str(asked).removeprefix("bytes=").rstrip("-")) if goes_on else 0
            body = behaviour.content[start:]
            self.send_response(206 if goes_on else 200)
            if goes_on:
                size = len(behaviour.content)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if behaviour.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", behaviour.tag)
            self.end_headers()
            self.wfile.write(body[: behaviour.breaks_after.pop(0)] if behaviour.breaks_after else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of clients that hung up: tests do."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
