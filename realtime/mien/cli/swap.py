"""`mien swap`: one picture or video."""

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options


def swap(
    context: typer.Context,
    input_path: Annotated[Path, typer.Argument(metavar="INPUT", help="Picture or video to read; it is not changed.")],
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="File to write; its suffix says the format.")],
    face: options.Face = None,
    consent: options.Consent = None,
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
    label: options.Label = None,
    content_gate: options.ContentGate = None,
    language: options.Language = None,
    credentials_certificate: options.Certificate = None,
    credentials_key: options.CertificateKey = None,
    report: options.Report = None,
    threads: options.Threads = None,
    swapper_threads: options.SwapperThreads = None,
    config: options.Config = None,
) -> None:
    """Swap the faces of a picture or video; sound and metadata are kept, frames without a face stay as they are.

    Exit 1 also when the input is cut off or damaged: what could be read is in OUTPUT then.
    """
    from mien.cli.terminal import asker, progress_bar, terminal
    from mien.settings import load_settings

    with terminal(is_debug=bool(context.obj)) as console:
        settings = load_settings(options.given(context.params), config)
        from mien.build import file_work
        from mien.cli.outcome import finish
        from mien.offline import swap_file

        work = file_work(settings, input_path, output_path, ask=asker())
        with work.log.lasting(), progress_bar(console, output_path.name) as show:
            result = swap_file(
                input_path, output_path, work.stages, progress=show, providers=work.providers, seal=work.seal
            )
            work.log.end(result.report, result.shortcoming)
        finish(result, work.notes, output_path, settings.report)
