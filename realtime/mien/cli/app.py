"""The commands of `mien` and their help; nothing heavy is imported before a command runs."""

from typing import Annotated, Final

import typer

from mien.cli.bench import bench
from mien.cli.ctl import ctl
from mien.cli.doctor import doctor
from mien.cli.faces import faces
from mien.cli.flags import Json
from mien.cli.log import log
from mien.cli.models import models
from mien.cli.panel import panel
from mien.cli.recover import recover
from mien.cli.run import run
from mien.cli.serve import serve
from mien.cli.swap import swap
from mien.cli.verify import verify

app: Final = typer.Typer(
    add_completion=False,
    # Plain help: the decorated one costs 0.4 s of imports.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(panel)
app.command()(run)
app.command()(serve)
app.command()(swap)
app.command()(verify)
app.command()(recover)
app.command()(doctor)
app.add_typer(ctl, name="ctl")
app.add_typer(bench, name="bench")
app.add_typer(faces, name="faces")
app.add_typer(models, name="models")
app.add_typer(log, name="log")


@app.command()
def devices(
    as_json: Json = False,
    machines: Annotated[
        bool, typer.Option("--machines", help="Ask this network, too, for machines that swap ('mien serve').")
    ] = False,
) -> None:
    """List cameras, microphones and output devices, how to name each and what it can send."""
    from mien.cli.devices import show_devices

    show_devices(as_json, asks_network=machines)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        print(f"mien {version('mien')}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True, epilog="--debug anywhere, or MIEN_DEBUG=1, shows more, with the traceback of an error."
)
def mien(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Make a webcam show another face: a live face-swap camera.

    Without a command the panel opens in the browser.

    Or start with: mien run --face photo.jpg
    """
    _ = version
    if context.invoked_subcommand is None:
        panel(context)
