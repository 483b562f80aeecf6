"""`mien serve`: swaps for other machines."""

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from mien.remote.protocol import IceServer

_LOG = logging.getLogger(__name__)
_HERE: Final = "127.0.0.1"


def serve(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(metavar="N", min=0, max=65535, help="Port; 7420 by default.")] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen at this address of this machine only.")
    ] = None,
    seats: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=1000, help="How many may swap at a time; by default as many as it can bear."
        ),
    ] = None,
    provider: Annotated[
        str, typer.Option(metavar="NAME", help="What runs the networks, as --provider of 'mien run'.")
    ] = "auto",
    turn: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="turn:USER:PASSWORD@HOST:PORT carries pictures between closed networks."),
    ] = None,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="On Ray Serve: one address for many machines; needs the extra 'fleet'.")
    ] = False,
    replicas: Annotated[str, typer.Option(metavar="N[-M]", help="With --fleet: at least and at most so many.")] = "1",
    cpus: Annotated[float, typer.Option(metavar="N", min=0.1, help="With --fleet: cores of a replica.")] = 1.0,
    gpus: Annotated[float, typer.Option(metavar="N", min=0, help="With --fleet: cards of a replica.")] = 0.0,
    tenant: Annotated[
        str | None,
        typer.Option("--pass", metavar="NAME", help="Print a pass for NAME instead, to be given to --pair there."),
    ] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3650, help="With --pass: how long it is valid.")] = 365,
) -> None:
    """Swap for other machines: 'mien run --remote ADDRESS' there. Its address and a pairing code are printed first.

    Pictures and faces are kept in memory only, and forgotten when a session ends.
    """
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        from mien.cli.fleet import FleetWish, new_pass, parse_turn, run_fleet

        ice = tuple(map(parse_turn, turn or ()))
        if tenant is not None:
            print(new_pass(tenant, seats or 0, days))
        elif fleet:
            run_fleet(FleetWish(port, host, seats, provider, replicas, cpus, gpus, ice), say=_say)
        else:
            import asyncio

            asyncio.run(run_server(Wish(port, host, seats, provider, ice), say=_say))


def _say(line: str) -> None:
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says; None where it says nothing."""

    port: int | None
    host: str | None
    seats: int | None
    provider: str
    ice: "tuple[IceServer, ...]" = ()


async def run_server(wish: Wish, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; `say` gets the first line: address and pairing code.

    Raises:
        MienError: it cannot listen, or its identity cannot be kept.
    """
    from mien.config.page_address import local_addresses
    from mien.remote.box import Box, Credentials
    from mien.remote.identity import own_identity
    from mien.remote.machines import PORT, Address, announced
    from mien.remote.pairing import new_code
    from mien.remote.seats import Seats, Turns
    from mien.remote.server import Listening
    from mien.remote.server import serve as serving
    from mien.remote.worker import Shared
    from mien.session.swap_engine import SwapEngine
    from mien_models.system import folders

    identity = own_identity(folders.data_folder() / "remote")
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
            await serving(box, identity, listening, ready)
    else:
        await serving(box, identity, listening, ready)
