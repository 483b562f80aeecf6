"""A real panel in a process of its own, with a small synthetic session, as a user starts it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from mien.session.client import SessionClient
from mien.session.rendezvous import running_sessions
from mien_models.errors import MienError

PATIENCE_S: Final = 90.0
SMALL: Final = {"MIEN_CAMERA": "synthetic", "MIEN_SINKS": "null", "MIEN_SIZE": "320x240", "MIEN_FPS": "15"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@dataclass
class RunningPanel:
    """A panel that runs; `address` has its token."""

    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[str] | None = None
    address: str = ""
    log: Path | None = None
    """Where what it says to people goes; None: nowhere."""

    def start(self, *words: str) -> None:
        # Not in development mode: what is measured and waited for here is the program as users have it.
        environment = {
            **os.environ,
            **SMALL,
            "PYTHONDEVMODE": "",
            "MIEN_PASSPHRASE": "several plain words",
            **self.more,
        }
        with Path(os.devnull if self.log is None else self.log).open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mien", "panel", "--no-browser", "--port", str(self.port), *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self._let_go()

    def _let_go(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
                self._let_go()
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask as a plain client; an own Host replaces the usual one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def cookie(self) -> str:
        """Let a client in by the address."""
        parts = urlsplit(self.address)
        status, headers, _ = self.ask("GET", f"/?{parts.query}")
        assert status == 303, (status, headers)
        return headers["set-cookie"].partition(";")[0]


def wait_until(what: object, why: str = "", patience_s: float = PATIENCE_S) -> None:
    ends_s = time.monotonic() + patience_s
    while not what():  # type: ignore[operator]
        assert time.monotonic() < ends_s, why or "it has not come to pass"
        time.sleep(0.1)


@contextlib.contextmanager
def session(name: str | None = None) -> Generator[SessionClient]:
    wait_until(running_sessions, "no session has begun")
    with SessionClient(running_sessions()[-1]) as client:
        yield client


def is_live() -> bool:
    try:
        with session() as client:
            status = json.loads(json.dumps(client.status()))
            return bool(status["run"]["state"] == "live")
    except MienError:
        return False


def _end_those_that_still_begin() -> None:
    """End sessions of this test's own folder that nobody can ask yet: they would run on beside every later test."""
    folder = os.environ.get("MIEN_STATE_DIR")
    for process in psutil.process_iter(["cmdline"]):
        if folder and any(word.startswith(folder) for word in process.info["cmdline"] or ()):
            with contextlib.suppress(psutil.Error):
                process.kill()


def panel_with_session(tmp_path: Path, *words: str, log: Path | None = None) -> Iterator[RunningPanel]:
    """Give a panel, which begins a session; both are ended afterwards."""
    panel = RunningPanel(more={"XDG_VIDEOS_DIR": str(tmp_path / "videos")}, log=log)
    panel.start(*words)
    try:
        yield panel
    finally:
        panel.stop()
        for one in running_sessions():
            with contextlib.suppress(MienError), SessionClient(one) as client:
                client.stop()
        wait_until(lambda: not running_sessions(), "a session has not ended")
        _end_those_that_still_begin()
