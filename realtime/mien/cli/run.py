"""`mien run`: the live camera."""

from collections.abc import Mapping
from typing import Annotated

import typer

from mien.cli import flags
from mien.cli.flags import setting_flags
from mien_models.errors import MienError


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
            from mien.cli.pairing import pair_once

            pair_once(settings.remote, pair, asker())
        from mien.cli.console import StatusLine, say_summary
        from mien.config.command_line import wipe
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
