"""`mien panel`, and `mien` alone: the panel in the browser."""

from typing import Annotated

import typer


def panel(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="Port on this computer; 8436 or the next free one by default.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open no browser.")] = False,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let devices of your own network in, each with a six-digit code.")
    ] = False,
) -> None:
    """Open the panel in the browser: pick a face, see yourself, go live. Its address is printed first.

    The session that it starts goes on when the panel ends; 'mien ctl stop' ends it.
    """
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        from mien.panel.program import run_panel

        run_panel(port, opens_browser=not no_browser, opens_lan=lan, say=_say)


def _say(address: str) -> None:
    print(address, flush=True)
