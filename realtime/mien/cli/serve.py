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
) -> None:
    """Swap for other machines: 'mien run --remote ADDRESS' there. Its address and a pairing code are printed first.

    Pictures and faces are kept in memory only, and forgotten when a session ends.
    """
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        import asyncio

        from mien.cli.serving import Wish, run_server

        asyncio.run(run_server(Wish(port, host, seats, provider), say=lambda line: print(line, flush=True)))
