"""`mien run`: the live camera."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import flags
from mien.cli.flags import setting_flags
from mien_models.errors import MienError, UsageError

if TYPE_CHECKING:
    from mien.remote.machines import Address

_LOG = logging.getLogger(__name__)


@setting_flags()
def run(
    context: typer.Context,
    config: flags.Config = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings that count, as a mien.toml, and stop.")
    ] = False,
    pair: Annotated[
        str | None,
        typer.Option("--pair", metavar="CODE", help="What 'mien serve' says on the machine of --remote; once."),
    ] = None,
) -> None:
    """Swap the face in a live camera picture.

    SHOW is card, freeze, blur or passthrough; only passthrough ever shows the real face.
    """
    from mien.cli.console import asker, terminal
    from mien.config.settings_file import SettingsFileClient, as_toml, load_settings

    with terminal(is_debug=bool(context.obj)) as console:
        wished = flags.given(context.params)
        settings = load_settings(wished, config)
        if print_config:
            print(as_toml(settings), end="")
            return
        if settings.remote is not None:
            pair_once(settings.remote, pair, asker())
        from mien.cli.console import StatusLine, say_summary
        from mien.config.process import wipe
        from mien.sinks.registry import shown_spec

        wipe([spec.partition(":")[2] for spec in settings.sinks if shown_spec(spec) != spec])
        from mien.cli.wording import Teller
        from mien.session.build import live_session
        from mien.session.live_session import LiveSession
        from mien.session.options import resolve
        from mien.session.server import ControlServer
        from mien.session.session import Applied, SettingsPatch

        line, teller = StatusLine(console), Teller()

        def tick(session: LiveSession) -> None:
            tell()
            line.show(session.status())

        def tell() -> None:
            while (event := events.get(0)) is not None:
                teller.say(event)

        def change(values: Mapping[str, object]) -> bool:
            return isinstance(session.apply(SettingsPatch(values)).result(), Applied)

        session = live_session(resolve(settings), ask=asker(), on_tick=tick)
        events = session.subscribe()
        try:
            with line, ControlServer(session), SettingsFileClient(wished, config, settings, change):
                done = session.run()
        except MienError as error:
            tell()
            if teller.has_said(error):
                raise typer.Exit(1) from error
            raise
        tell()
        say_summary(done)


def pair_once(addresses: str, code: str | None, ask: Callable[[str], str] | None) -> None:
    """Pair by a code that was given, or that a person is asked for where a machine is not known yet.

    Raises:
        UsageError: nobody is there to be asked.
        MienError: it did not come to that.
    """
    from mien.remote.machines import Machines, parse_addresses

    wanted = parse_addresses(addresses)
    known = [address for address in wanted if Machines().find(address) is not None]
    # A code for the only machine pairs with it anew, because it shows another certificate now.
    again = known if code is not None and len(wanted) == 1 else []
    for address in wanted:
        if address not in known or address in again:
            _pair_with(address, code, ask)


def _pair_with(address: "Address", code: str | None, ask: Callable[[str], str] | None) -> None:
    if code is None and ask is not None:
        code = ask(f"The pairing code that 'mien serve' says on {address}").strip()
    if not code:
        raise UsageError(f"This machine was never paired with {address}; say its code once with --pair CODE.")
    import asyncio

    from mien.remote.client import pair
    from mien.remote.machines import Machines

    machine = asyncio.run(pair(address, code, Machines()))
    _LOG.info("Paired with %s at %s; its code is not needed again.", machine.name, machine.address)
