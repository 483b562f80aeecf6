"""`mien faces`: whose faces may be used, by what right, and what was understood of their photos."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from mien.config.choices import ConsentKind
from mien_models.system.printable import json_text


def add(
    context: typer.Context,
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO...", help="Of one person; PHOTO#2 takes its second face.")
    ],
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="What you will call it: mien run --face NAME.")],
    consent: Annotated[ConsentKind, typer.Option(help="By what right: mine, agreed to, nobody's, public domain.")],
    scope: Annotated[
        list[str] | None, typer.Option(metavar="live|recording", help="What for; several times. By default both.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day, as 2027-06-30; for 'granted' a year by default.")
    ] = None,
    statement: Annotated[
        Path | None, typer.Option(metavar="FILE.txt", help="What the person wrote or signed; its text is kept.")
    ] = None,
) -> None:
    """Keep a face, encrypted, with a record of whose it is, by what right, for what and until when."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console, console.status("Looking at the photos ..."):
        from mien.consent.add_face import Request, add_face

        kept = add_face(Request(tuple(photos), name, consent, tuple(scope or ()), until, statement))
    terms = kept.terms
    ends = "without an end" if terms.until is None else f"until {terms.until.isoformat()}"
    scopes = " and ".join(one.value for one in terms.scope)
    print(f"{terms.name}: {terms.consent.meaning}; for {scopes}, {ends}. Use it with: mien run --face {terms.name}")


def list_faces(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the faces of the library with their terms; no photo is opened."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        from mien.consent.add_face import face_library

        library = face_library()
        faces = library.faces()
    if as_json:
        print(json_text([{**one.terms.as_data(), "photos": one.photos, "key": one.store} for one in faces]))
        return
    if not faces:
        print("No faces yet: mien faces add PHOTO... --name NAME --consent self|granted|synthetic|public-domain")
    today = max(library.clock.now(), datetime.now(UTC)).astimezone().date()
    for one in faces:
        terms = one.terms
        ends = "" if terms.until is None else f", until {terms.until.isoformat()}"
        over = " (ended)" if terms.until is not None and terms.until < today else ""
        scopes = "+".join(use.value for use in terms.scope)
        print(f"{terms.name}: {terms.consent.value}, {scopes}{ends}{over}; {one.photos} photo{'s' * (one.photos != 1)}")


def agree(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A face of your library.")],
    *,
    scope: Annotated[str, typer.Option(metavar="live|recording|streaming", help="What the person agreed to now.")],
) -> None:
    """Note that a person agreed to one more use of their face; a run that shows it goes on."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        from mien.consent.add_face import face_library, scopes_of

        library = face_library()
        (use,) = scopes_of([scope])
        agreed = library.agree(library.named(name), use, can_ask=True)
        print(f"{agreed.terms.name}: for {' and '.join(one.value for one in agreed.terms.scope)}.")


def remove(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Faces to forget for good.")],
) -> None:
    """Destroy the key of a face and its files; a run that uses it ends with a card within about a second."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)):
        from mien.consent.add_face import face_library

        library = face_library()
        for face in [library.named(name) for name in names]:
            library.remove(face)
            print(f"{face.terms.name}: its key and its photos are gone.")


faces: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


faces.command()(add)
faces.command("list")(list_faces)
faces.command()(agree)
faces.command()(remove)


@faces.callback()
def look() -> None:
    """Keep faces that can be used, with the right to each, and look at them first."""


@faces.command()
def show(
    context: typer.Context,
    photos: Annotated[
        list[str], typer.Argument(metavar="NAME|PHOTO...", help="A face of your library, or photos of one person.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.png", help="Picture to write; PHOTO-understood.png by default."),
    ] = None,
) -> None:
    """Write a picture of what was understood of a face's photos, and print its name; what to mend is said in words."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)) as console, console.status("Looking at the face ..."):
        from mien.diagnostics.face_preview import show_face

        print(show_face(photos, output))
