"""Where a page that this computer serves is found: its addresses in the local network, and the secret in them."""

import ipaddress
import os
import secrets
import socket
from pathlib import Path
from typing import Final

import psutil

from mien_models.errors import MienError
from mien_models.system.causes import cause_of

_BYTES: Final = 24


def local_addresses() -> tuple[str, ...]:
    """Give the private ones, IPv4, without those of containers on this computer."""
    found = [
        one.address
        for name, several in psutil.net_if_addrs().items()
        for one in several
        if one.family == socket.AF_INET and not name.startswith(("docker", "br-", "veth"))
    ]
    return tuple(text for text in found if _is_local(text))


def _is_local(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address.is_private and not address.is_loopback and not address.is_link_local


def kept_token(path: Path) -> str:
    """Give the token that is kept in a file, which is made where it is not there or can be read by others.

    Raises:
        MienError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = _kept(path)
        if kept is not None:
            return kept
        token = secrets.token_urlsafe(_BYTES)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token)
    except FileExistsError:  # another program was quicker
        return kept_token(path)
    except OSError as error:
        raise MienError(f"The token of an address cannot be kept in {str(path)!r}: {cause_of(error)}.") from error
    return token


def _kept(path: Path) -> str | None:
    if not path.is_file() or (os.name == "posix" and path.stat().st_mode & 0o077):
        return None
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return text if len(text) >= _BYTES and text.isascii() else None
