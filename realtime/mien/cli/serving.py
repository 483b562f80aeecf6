"""What `mien serve` is made of."""

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mien.config import paths
from mien.config.page_address import local_addresses
from mien.remote.box import Box, Credentials
from mien.remote.identity import own_identity
from mien.remote.machines import PORT, Address, announced
from mien.remote.pairing import new_code
from mien.remote.protocol import IceServer
from mien.remote.seats import Seats, Turns
from mien.remote.server import Listening, serve
from mien.remote.worker import Shared
from mien.session.swap_engine import SwapEngine

_LOG = logging.getLogger(__name__)
_HERE: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says; None where it says nothing."""

    port: int | None
    host: str | None
    seats: int | None
    provider: str
    ice: tuple[IceServer, ...] = ()


async def run_server(wish: Wish, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; `say` gets the first line: address and pairing code.

    Raises:
        MienError: it cannot listen, or its identity cannot be kept.
    """
    identity = own_identity(paths.data_folder() / "remote")
    engine = SwapEngine(provider=wish.provider)
    engine.warm_up()
    at_once = os.cpu_count() or 1
    code, name = new_code(), socket.gethostname()
    credentials = Credentials(identity.fingerprint, identity.secret, code, name)
    box = Box(credentials, Shared(engine, Turns(at_once), wish.ice), Seats(at_once, wish.seats))
    hosts = local_addresses() if wish.host is None else (wish.host,)
    port = PORT if wish.port is None else wish.port
    listening = Listening(None if wish.host is None else (wish.host,), port)

    def ready(real_port: int) -> None:
        say(f"{Address(hosts[0] if hosts else _HERE, real_port)} {code}")
        _LOG.info("Nothing is written here; Ctrl-C ends it, and whoever is swapping is told.")

    if wish.host is None and port:
        with announced(name, hosts, port):
            await serve(box, identity, listening, ready)
    else:
        await serve(box, identity, listening, ready)
