"""The machines that this one has paired with: each known by its certificate's fingerprint."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mien.config import paths
from mien_models.errors import MienError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.json_text import json_object

PORT: Final = 7420
"""Where `mien serve` listens unless another port is named."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a machine is."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it is typed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that was paired with."""

    address: str
    """Where it was last."""
    name: str
    fingerprint: str
    """Of its certificate."""
    pass_text: str
    secret_hex: str
    """What proves that the pass is ours."""


def parse_address(text: str) -> Address:
    """Read HOST, HOST:PORT or [IPV6]:PORT.

    Raises:
        UsageError: it is something else.
    """
    host, port = text.strip(), ""
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    is_port = port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536
    if not host or any(letter.isspace() or letter in "/@?#" for letter in host) or (port and not is_port):
        raise UsageError(f"Another machine is named as HOST or HOST:PORT, such as 192.168.1.20:{PORT}, not {text!r}.")
    return Address(host, int(port) if port else PORT)


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read one machine, or several with commas between them.

    Raises:
        UsageError: one of them is something else.
    """
    return tuple(dict.fromkeys(map(parse_address, text.split(","))))


class Machines:
    """Has state: a file of this user alone."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or paths.data_folder() / "remote" / "machines.json"

    def known(self) -> tuple[Machine, ...]:
        """Give all of them; a damaged file is as good as none: one pairs again."""
        try:
            found = json_object(self._file.read_bytes())
            return tuple(Machine(**one) for one in found["machines"])
        except (OSError, ValueError, TypeError, KeyError):
            return ()

    def find(self, address: Address) -> Machine | None:
        """Give the one that was last there."""
        return next((one for one in self.known() if one.address == str(address)), None)

    def by_fingerprint(self, fingerprint: str) -> Machine | None:
        """Give the one with that certificate, wherever it was."""
        return next((one for one in self.known() if one.fingerprint == fingerprint), None)

    def remember(self, machine: Machine) -> None:
        """Keep a machine; one at its address or with its certificate is replaced.

        Raises:
            MienError: the file cannot be written.
        """
        others = [
            one for one in self.known() if one.fingerprint != machine.fingerprint and one.address != machine.address
        ]
        content = json.dumps({"machines": [asdict(one) for one in (*others, machine)]}, indent=1)
        try:
            write_private(self._file, content.encode())
        except OSError as error:
            raise MienError(f"{str(self._file)!r} cannot be written: {error.strerror}.") from error
