"""`mien serve`: swaps for other machines."""

from typing import Annotated

import typer


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

            from mien.cli.serving import Wish, run_server

            asyncio.run(run_server(Wish(port, host, seats, provider, ice), say=_say))


def _say(line: str) -> None:
    print(line, flush=True)
