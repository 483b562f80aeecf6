"""A Ray cluster of two nodes on one machine: the second lives in a network namespace, and its cable can be pulled."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import psutil

HEAD: Final = "10.79.0.1"
_SECOND: Final = "10.79.0.2"
_NAMESPACE: Final = "mien-node"
_DEVICE: Final = "mien-node0"
_PORT: Final = 6390
_PATIENCE_S: Final = 60.0
_OBJECTS_BYTES: Final = 80 << 20


@contextlib.contextmanager
def two_nodes() -> Generator[None]:
    """Begin both, each with one processor; Ray finds them inside the block."""
    _remove()
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
        try:
            _lay()
            os.environ["RAY_AUTH_MODE"] = "token"
            head = ["--head", "--node-ip-address", HEAD, "--port", str(_PORT), "--include-dashboard", "false"]
            started.append(_ray([], *head, "--temp-dir", str(Path(folder) / "r")))
            _wait()
            os.environ["RAY_ADDRESS"] = f"{HEAD}:{_PORT}"
            second = ["--address", f"{HEAD}:{_PORT}", "--node-ip-address", _SECOND]
            started.append(_ray(["ip", "netns", "exec", _NAMESPACE], *second))
            yield
        finally:
            for one in reversed(started):
                _end(one)
            _remove()


def pull_the_cable() -> None:
    """Cut the second node off: it dies without a word."""
    _ip("link", "set", _DEVICE, "down")


def _ray(front: list[str], *words: str) -> "subprocess.Popen[bytes]":
    program = str(Path(sys.executable).with_name("ray"))
    common = ["--num-cpus", "1", "--object-store-memory", str(_OBJECTS_BYTES), "--block"]
    return subprocess.Popen([*front, program, "start", *words, *common], stdout=subprocess.DEVNULL)


def _wait() -> None:
    """Wait until the head answers."""
    ends_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends_s:
        with contextlib.suppress(OSError), socket.create_connection((HEAD, _PORT), 1):
            return
        time.sleep(0.5)


def _lay() -> None:
    _ip("netns", "add", _NAMESPACE)
    _ip("link", "add", _DEVICE, "type", "veth", "peer", "name", "eth0", "netns", _NAMESPACE)
    _ip("addr", "add", f"{HEAD}/24", "dev", _DEVICE)
    _ip("link", "set", _DEVICE, "up")
    _ip("-n", _NAMESPACE, "addr", "add", f"{_SECOND}/24", "dev", "eth0")
    for device in ("eth0", "lo"):
        _ip("-n", _NAMESPACE, "link", "set", device, "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.kill()
    process.wait()


def _remove() -> None:
    subprocess.run(["ip", "link", "del", _DEVICE], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", _NAMESPACE], check=False, capture_output=True)
