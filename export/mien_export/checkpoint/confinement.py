"""Gives up the network and most memory, for good, for this process and all that it starts.

Numbers are those of Linux: `include/uapi/linux/{sched,seccomp,filter,audit,prctl}.h` and the system call tables of
x86-64 and ARM64.
"""

import ctypes
import platform
import socket
import struct
import sys
from pathlib import Path
from typing import Final, Never

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 1
"""The last gives EPERM."""
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_X32: Final = 0x40000000
_REFUSED: Final = {
    # socket, ptrace, process_vm_readv, process_vm_writev, io_uring_setup
    "x86_64": (0xC000003E, (41, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 117, 270, 271, 425)),
}
_GIB: Final = 2**30
_COMPUTING_S: Final = 900


def confine(source: str) -> str:
    """Give up what can be given up; `source` is the file whose size the limits follow.

    Returns:
        What holds now, for people.
    """
    held = [
        *(["an empty network namespace"] if _leave_network() else []),
        *(["a system call filter that refuses sockets"] if _filter_calls() else []),
    ]
    if _limit(Path(source).stat().st_size):
        held.append("limits")
    if not any("network" in one or "sockets" in one for one in held):
        held.append("Python's sockets blocked, which does not stop native code")
    _block_sockets()
    return ", ".join(held)


def _leave_network() -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _filter_calls() -> bool:
    if sys.platform != "linux" or platform.machine() not in _REFUSED:
        return False
    instructions = _instructions(*_REFUSED[platform.machine()])
    code = ctypes.create_string_buffer(b"".join(instructions))
    program = _Program(len(instructions), ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _instructions(architecture: int, refused: tuple[int, ...]) -> list[bytes]:
    """Write the filter: another architecture's calls end the process, the listed ones fail, all others pass."""

    def one(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_so, if_not, value)

    tests = [one(_IF_EQUAL, number, if_so=len(refused) - at) for at, number in enumerate(refused)]
    return [
        one(_LOAD, _ARCHITECTURE_AT),
        one(_IF_EQUAL, architecture, if_so=1),
        one(_RETURN, _KILL),
        one(_LOAD, _NUMBER_AT),
        one(_IF_AT_LEAST, _X32, if_so=len(refused) + 1),
        *tests,
        one(_RETURN, _ALLOW),
        one(_RETURN, _REFUSE),
    ]


def _limit(size: int) -> bool:
    """Limit memory, computing time and written files to what a checkpoint of this size can need."""
    try:
        import resource
    except ImportError:
        return False
    # Torch reserves a few gigabytes of addresses for itself.
    for kind, most in (
        (resource.RLIMIT_AS, 12 * _GIB + 6 * size),
        (resource.RLIMIT_CPU, _COMPUTING_S),
        (resource.RLIMIT_FSIZE, _GIB + 2 * size),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (wanted, wanted))
    return True


def _block_sockets() -> None:
    def refused(*_: object, **__: object) -> Never:
        raise PermissionError("This process has no network.")

    socket.socket.__init__ = refused  # type: ignore[method-assign]
    socket.create_connection = refused
