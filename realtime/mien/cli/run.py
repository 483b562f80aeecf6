"""`mien run`: the live camera."""

from typing import Annotated

import typer

from mien.cli import options


def run(
    context: typer.Context,
    face: options.Face = None,
    consent: options.Consent = None,
    camera: Annotated[
        str | None, typer.Option(metavar="ID|NAME|FILE|URL|synthetic", help="Where frames come from.")
    ] = None,
    sink: Annotated[
        list[str] | None,
        typer.Option(metavar="virtualcam|window|file:PATH|null", help="Where frames go; may be given several times."),
    ] = None,
    swapper: options.Swapper = None,
    colour: options.Colour = None,
    choose: options.Choose = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Size asked of the camera and given out.")] = None,
    fps: Annotated[str | None, typer.Option(metavar="N", help="Frames a second asked for and given out.")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="N", help="Stop after so many seconds.")] = None,
    lost: Annotated[str | None, typer.Option(metavar="SHOW", help="What is shown while no face is found.")] = None,
    privacy: Annotated[str | None, typer.Option(metavar="SHOW", help="After the panic key.")] = None,
    fault: Annotated[str | None, typer.Option(metavar="SHOW", help="While the camera is gone.")] = None,
    starting: Annotated[str | None, typer.Option(metavar="SHOW", help="Before the first face.")] = None,
    no_label: options.NoLabel = None,
    report: options.Report = None,
    threads: options.Threads = None,
    config: options.Config = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings that count, as a mien.toml, and stop.")
    ] = False,
) -> None:
    """Swap the face in a live camera picture.

    SHOW is card, freeze, blur or passthrough; only passthrough ever shows the real face.
    """
    from mien.cli.terminal import terminal
    from mien.settings import as_toml, load_settings

    with terminal(is_debug=bool(context.obj)):
        settings = load_settings(options.given(context.params), config)
        if print_config:
            print(as_toml(settings), end="")
            return
        raise NotImplementedError
