"""`mien run`: the live camera."""

from typing import Annotated

import typer

from mien.cli import options
from mien_models.errors import MienError


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
    provider: options.Provider = None,
    strength: options.Strength = None,
    boost: options.Boost = None,
    morph: options.Morph = None,
    template: options.Template = None,
    shape: options.Shape = None,
    detail: options.Detail = None,
    colour: options.Colour = None,
    enhance: options.Enhance = None,
    enhance_strength: options.EnhanceStrength = None,
    mask: options.Mask = None,
    erode: options.Erode = None,
    feather: options.Feather = None,
    assign: options.Assign = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Size asked of the camera and given out.")] = None,
    fps: Annotated[str | None, typer.Option(metavar="N", help="Frames a second asked for and given out.")] = None,
    loop: Annotated[bool | None, typer.Option("--loop", help="Play a file over and over.")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="N", help="Stop after so many seconds.")] = None,
    lost: Annotated[str | None, typer.Option(metavar="SHOW", help="What is shown while no face is found.")] = None,
    privacy: Annotated[str | None, typer.Option(metavar="SHOW", help="After the panic key.")] = None,
    fault: Annotated[str | None, typer.Option(metavar="SHOW", help="While the camera is gone.")] = None,
    label: options.Label = None,
    content_gate: options.ContentGate = None,
    language: options.Language = None,
    credentials_certificate: options.Certificate = None,
    credentials_key: options.CertificateKey = None,
    report: options.Report = None,
    threads: options.Threads = None,
    swapper_threads: options.SwapperThreads = None,
    config: options.Config = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings that count, as a mien.toml, and stop.")
    ] = False,
) -> None:
    """Swap the face in a live camera picture.

    SHOW is card, freeze, blur or passthrough; only passthrough ever shows the real face.
    """
    from mien.cli.console import asker, terminal
    from mien.config.settings import as_toml, load_settings

    with terminal(is_debug=bool(context.obj)) as console:
        flags = options.given(context.params)
        settings = load_settings(flags, config)
        if print_config:
            print(as_toml(settings), end="")
            return
        from mien.cli.console import StatusLine, Teller, say_summary
        from mien.config.watch import SettingsWatch
        from mien.pipeline.live.runner import run_live
        from mien.session.build import live_plan

        line, teller = StatusLine(console), Teller()
        watch = SettingsWatch(flags, config)
        plan = live_plan(settings, ask=asker(), on_event=teller.say, on_status=line.show, watch=watch)
        try:
            with line:
                done = run_live(plan)
        except MienError as error:
            if teller.has_said(error):
                raise typer.Exit(1) from error
            raise
        say_summary(done)
