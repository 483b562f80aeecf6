"""Runs commands in an empty network under strace, and tells what they asked of the network and of the disk.

The namespace keeps whatever a library tries on this machine; strace sees that it tried. A fresh home, temporary folder
and working folder show every file that is made elsewhere. Nothing here knows a library: a dependency that is new
tomorrow is seen as those of today are.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

_LONGEST_S: Final = 300
_WRITES: Final = "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat"
_NAMES: Final = "rename,renameat,renameat2,link,linkat,symlink,symlinkat"
_CALLS: Final = f"trace=network,io_uring_setup,{_WRITES},{_NAMES}"
_MAKES: Final = ("O_CREAT", "O_WRONLY", "O_RDWR")
_HARMLESS_FAMILIES: Final = frozenset({"UNIX", "NETLINK", "UNSPEC"})
_FAMILY: Final = re.compile(r"sa_family=AF_(\w+)")
_PORT: Final = re.compile(r"sin6?_port=htons\((\d+)\)")
_LOOPBACK: Final = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1|::ffff:127\.[0-9.]+)"')
_NAME_PORTS: Final = frozenset({53, 853, 5353, 5355})
_ASKS_A_SERVICE: Final = re.compile(r'/systemd/resolve/|"[^"]*hosts\\0')
"""Name questions that another program of this machine would carry outside: systemd's resolver, the name cache."""
_CALL: Final = re.compile(r"^\d+\s+(\w+)\(")
_RESUMED: Final = re.compile(r"^\d+\s+<\.\.\. \w+ resumed>(.*)$")
_QUOTED: Final = re.compile(r'(?:(?:\d+|AT_FDCWD)<((?:[^>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"')
_DEVICES: Final = (Path("/dev"), Path("/proc"), Path("/sys"))


@cache
def why_not_here() -> str | None:
    """Say what this machine lacks; None where commands can be watched."""
    missing = [program for program in ("strace", "unshare", "ip") if shutil.which(program) is None]
    if missing:
        return f"{' and '.join(missing)} not installed: apt-get install strace util-linux iproute2"
    tried = subprocess.run([*_alone(), "strace", "-f", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no namespace or no tracing here: {tried.stderr.strip()[-200:]}"


@dataclass(frozen=True)
class Watched:
    """What a command did."""

    words: tuple[str, ...]
    status: int
    said: str
    """What it printed, both ways."""
    reached: tuple[str, ...]
    """The system calls that are for another machine, or ask for a name."""
    written: tuple[str, ...]
    """Files and folders that it made or wrote outside the places that are its own."""
    left: tuple[str, ...]
    """What it left in the temporary folder."""

    def verdict(self) -> str:
        """Say in lines what was wrong; empty where nothing was."""
        wrong = [f"reached out: {line}" for line in self.reached[:8]]
        wrong += [f"wrote elsewhere: {path}" for path in self.written[:8]]
        wrong += [f"left behind: {path}" for path in self.left[:8]]
        wrong += [f"ended with {self.status}: {self.said[-2000:]}"] if self.status else []
        return "\n".join(f"{' '.join(self.words)}: {line}" for line in wrong)


@dataclass(frozen=True)
class Ground:
    """A machine's worth of folders for one user who never ran Mien."""

    base: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    left_by_libraries: str | None = None
    """Pattern of what a library may leave in the temporary folder."""

    @property
    def home(self) -> Path:
        """The user's home, empty at first."""
        return _made(self.base / "home")

    @property
    def work(self) -> Path:
        """The folder that commands start in; what they are given and asked to write lies here."""
        return _made(self.base / "work")

    @property
    def temporary(self) -> Path:
        """TMPDIR."""
        return _made(self.base / "tmp")

    @property
    def own(self) -> tuple[Path, ...]:
        """Where Mien may keep what it remembers, for a user who chose no folders."""
        below = (".local/share/mien", ".config/mien", ".local/state/mien")
        return tuple(self.home / name for name in below)

    def watch(self, *words: str) -> Watched:
        """Run Python with these words, such as `-m mien doctor`, and tell what it did."""
        trace = self.base / "trace"
        watched = ["strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "300", "-e", _CALLS, "-o", str(trace)]
        command = [*_alone(), *watched, sys.executable, *words]
        done = subprocess.run(
            command,
            cwd=self.work,
            env={**_bare_environment(), **self._places(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
        lines = tuple(whole_lines(trace.read_text(encoding="utf-8", errors="replace").splitlines()))
        allowed = (*self.own, self.work, self.temporary, *_DEVICES)
        return Watched(
            words,
            done.returncode,
            done.stdout,
            tuple(reaching_out(lines)),
            tuple(sorted(set(written_outside(lines, self.work, allowed)))),
            tuple(str(path) for path in sorted(self.temporary.rglob("*")) if not self._is_a_librarys(path)),
        )

    def _is_a_librarys(self, path: Path) -> bool:
        return self.left_by_libraries is not None and path.match(self.left_by_libraries)

    def _places(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "TMPDIR": str(self.temporary)}


def command_names(command: Any, before: str = "") -> Iterator[str]:
    """Give every command below one of click's, as it is typed."""
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below:
        yield before
    for name, one in below.items():
        yield from command_names(one, f"{before} {name}".strip())


def whole_lines(lines: Iterable[str]) -> Iterator[str]:
    """Put calls together again that another thread's line has cut in two."""
    begun: dict[str, str] = {}
    for line in lines:
        process = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif (rest := _RESUMED.match(line)) is not None:
            yield begun.pop(process, f"{process} ") + rest[1]
        else:
            yield line
    yield from begun.values()


def reaching_out(lines: Iterable[str]) -> Iterator[str]:
    """Give the lines of a trace that are for another machine, or ask for the address of one."""
    for line in lines:
        family = _FAMILY.search(line)
        if "io_uring_setup(" in line:  # what goes that way, strace does not see
            yield line
        elif family is not None and family[1] not in _HARMLESS_FAMILIES:
            port = _PORT.search(line)
            if _LOOPBACK.search(line) is None or (port is not None and int(port[1]) in _NAME_PORTS):
                yield line
        elif _ASKS_A_SERVICE.search(line) is not None:
            yield line


def written_outside(lines: Iterable[str], work: Path, allowed: Iterable[Path]) -> Iterator[str]:
    """Give what a trace's lines made or opened to be written outside the allowed folders."""
    places = tuple(allowed)
    for line in lines:
        named = _QUOTED.findall(line) if _makes_something(line) else []
        if not named:
            continue
        folder, name = named[-1]  # the last is what comes to be: the target of a rename or link
        path = Path(os.path.normpath(Path(_plain(folder) or work) / _plain(name)))
        is_above = any(place.is_relative_to(path) for place in places)
        if not is_above and not any(path.is_relative_to(place) for place in places):
            yield str(path)


def _makes_something(line: str) -> bool:
    call = _CALL.match(line)
    if call is None or " = -1 E" in line or call[1] not in f"{_WRITES},{_NAMES}".split(","):
        return False
    return not call[1].startswith("open") or any(flag in line for flag in _MAKES)


def _plain(escaped: str) -> str:
    """Read a name as strace writes it, with octal numbers for what is not ASCII."""
    return os.fsdecode(escaped.encode("ascii", "replace").decode("unicode_escape").encode("latin-1"))


def _alone() -> list[str]:
    """Begin a command with nothing but its own loopback, in a network of its own."""
    maps_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--net", *maps_user, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def _bare_environment() -> dict[str, str]:
    """Hand on nothing that a developer or a CI set: libraries are quieter where they see CI, or our own variable."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    return {"PYTHONDONTWRITEBYTECODE": "1", **{name: os.environ[name] for name in kept if name in os.environ}}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
