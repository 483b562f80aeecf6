"""`mien models`: the networks that can swap faces, those that help them, and whose they are."""

from pathlib import Path
from typing import Annotated, Final

import typer

from mien.cli.flags import Json

models: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As 'mien models list' shows it.")]


@models.callback()
def keep() -> None:
    """List, add, check and remove networks: swappers, and what makes identities for them."""


@models.command(name="list")
def list_models(as_json: Json = False) -> None:
    """List what is built in and what was added, with each one's licence."""
    from mien.cli.models_show import show_list

    show_list(as_json)


@models.command()
def info(name: Name, as_json: Json = False) -> None:
    """Show all that is known of a model: how it is fed, where it comes from, what its licence allows."""
    from mien.cli.models_show import show_one

    show_one(name, as_json)


@models.command()
def add(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="An ONNX or DFM file, its address, or a manifest (.toml) of one.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it; the file's name by default.")
    ] = None,
    family: Annotated[
        str | None, typer.Option("--as", metavar="FAMILY", help="What it is, where Mien does not see it by itself.")
    ] = None,
    answer: Annotated[
        str | None, typer.Option("--answer", metavar="WORD", help="To what cannot be seen in the file, where asked.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="NAME", help="Its licence, where you know better.")
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.npy", help="The identity map of an inswapper that lacks it.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HASH", help="What the file's hash has to be.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="NAME", help="How faces are aligned for it, where you know better."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of the model of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Recognise a network, try it and copy it into your folder of models; print its name.

    Nothing is downloaded unless you give an address.
    """
    from mien.cli.console import asker, terminal
    from mien.cli.models_add import Request, add_model

    request = Request(source, name, family, answer, licence, map_file, sha256, replace, template)
    with terminal(is_debug=bool(context.obj)) as console:
        stored = add_model(request, console, asker())
    from mien.cli.models_show import print_added

    print_added(stored, as_json)


@models.command(name="set")
def set_values(
    context: typer.Context,
    name: Name,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="template=NAME; face_type=full|whole_face|head; coverage=2.2; vertical_offset=-0.08; morph=0.75.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Change what is kept with a swapper: how much of a face it is shown, and how far it is morphed."""
    from mien.cli.console import terminal
    from mien.cli.models_add import set_of_model

    with terminal(is_debug=bool(context.obj)):
        stored = set_of_model(name, words)
    from mien.cli.models_show import print_settings

    print_settings(stored, as_json)


@models.command()
def remove(
    context: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models to remove.")]
) -> None:
    """Remove models from your folder; the files that they were copied from stay."""
    from mien.cli.console import terminal
    from mien.cli.models_add import remove_models

    with terminal(is_debug=bool(context.obj)):
        remove_models(names)


@models.command()
def verify(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Models to check; all by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that models are whole, are what their manifests say, and still run; exit 1 if one is not."""
    from mien.cli.console import terminal
    from mien.cli.models_show import verify_models

    with terminal(is_debug=bool(context.obj)) as console:
        is_well = verify_models(names or [], as_json, console)
    if not is_well:
        raise typer.Exit(1)
