"""`mien ctl`: steer the session that runs here, from a script, a Stream Deck or a global hotkey."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from mien.cli.flags import Json
from mien_models.errors import MienError, UsageError

if TYPE_CHECKING:
    from mien.session.client import SessionClient

ctl: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_SESSION: TypeAlias = Annotated[
    str | None, typer.Option("--session", metavar="NUMBER", help="Which session, where several run.")
]


@ctl.callback()
def steer() -> None:
    """Steer the session that runs on this computer."""


@ctl.command()
def status(context: typer.Context, session: _SESSION = None, as_json: Json = False) -> None:
    """Say how the session is: state, rates, ages, outputs, settings in force."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)), _client(session) as client:
        found: dict[str, Any] = client.status()
    print(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


@ctl.command("set")
def set_values(
    context: typer.Context,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Settings, as in mien.toml.")],
    session: _SESSION = None,
    as_json: Json = False,
) -> None:
    """Change settings: all of them at one moment, or none.

    Several values of one setting are separated by commas or given as a JSON list; 'policy.lost' is a setting inside a
    table.
    """
    from mien.cli.console import terminal
    from mien.session.messages import AppliedReply

    with terminal(is_debug=bool(context.obj)), _client(session) as client:
        reply = client.set(parsed(values))
    if as_json:
        print(reply.model_dump_json(indent=2))
    elif isinstance(reply, AppliedReply):
        print(f"Changed: {', '.join(reply.changed)}." if reply.changed else "It was so already.")
    if not isinstance(reply, AppliedReply):
        raise UsageError(" ".join(dict.fromkeys(reply.reasons.values())))


@ctl.command()
def privacy(
    context: typer.Context,
    change: Annotated[str, typer.Argument(metavar="on|off|toggle", help="Hide the picture, or show it again.")],
    session: _SESSION = None,
) -> None:
    """Press the panic key: the very next frame is a card, until it is switched off again."""
    from mien.cli.console import terminal

    wanted = {"on": True, "off": False, "toggle": None}
    with terminal(is_debug=bool(context.obj)):
        if change not in wanted:
            raise UsageError(f"Expected on, off or toggle, found {change!r}.")
        with _client(session) as client:
            print("on" if client.set_privacy(on=wanted[change]) else "off")


@ctl.command()
def reveal(context: typer.Context, session: _SESSION = None) -> None:
    """Show the camera as it is, with your own face, for three seconds."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)), _client(session) as client:
        if not client.reveal():
            raise MienError(
                "The camera is not shown as it is: the panic key is down, there is a fault, or it is shown already."
            )


@ctl.command()
def record(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="start|stop|split", help="What to do; split begins another file.")],
    path: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Where to record; by default in your folder of videos.")
    ] = None,
    session: _SESSION = None,
) -> None:
    """Start a recording, stop it, or let it go on in another file without a gap; the file is printed."""
    from mien.cli.console import terminal
    from mien.session.messages import RecordAction

    with terminal(is_debug=bool(context.obj)):
        if action not in {one.value for one in RecordAction}:
            raise UsageError(f"Expected start, stop or split, found {action!r}.")
        whole = None if path is None else str(Path(path).absolute())
        with _client(session) as client:
            for file in client.record(RecordAction(action), whole):
                print(file)


@ctl.command()
def stop(context: typer.Context, session: _SESSION = None) -> None:
    """End the session cleanly, as Ctrl-C does."""
    from mien.cli.console import terminal

    with terminal(is_debug=bool(context.obj)), _client(session) as client:
        client.stop()


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is JSON is taken as that, everything else as text.

    Raises:
        UsageError: there is no '=' in a word.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, is_there, text = word.partition("=")
        if not is_there or not name.strip():
            raise UsageError(f"Expected NAME=VALUE, such as colour=mkl; found {word!r}.")
        found[name.strip().replace("-", "_")] = _value(name.strip(), text)
    return found


def _value(name: str, text: str) -> object:
    from mien.config.patch import takes_several

    try:
        value: object = json.loads(text)
    except ValueError:
        value = text
    if takes_several(name) and not isinstance(value, list):
        return [part for part in str(text).split(",") if part]
    return value  # pyright: ignore[reportUnknownVariableType]


def _client(session: str | None) -> "SessionClient":
    from mien.session.client import SessionClient
    from mien.session.rendezvous import find_session

    return SessionClient(find_session(session))


def _lines(found: dict[str, Any]) -> list[str]:
    run = found["run"]
    age = run["age_ms"]
    lines = [
        f"{run['state'].upper()}: {run['why']}",
        f"source: {run['source'] or 'not open yet'}, {_rate(run['fps_in'])} in, {_rate(run['fps_out'])} out",
        f"age of frames: {_ms(age['p50'])} (p50), {_ms(age['p95'])} (p95)",
        f"faces in sight: {run['faces']}; source faces: {', '.join(found['faces'])}",
    ]
    if found.get("sync_offset_ms"):
        lines.append(f"sync offset for your microphone in OBS: {found['sync_offset_ms']} ms")
    if found.get("remote"):
        from mien.diagnostics.doctor.other_machines import line_said

        lines += line_said(found["remote"])
    lines += [f"output: {sink['description']}: {sink['state']}" for sink in run["sinks"]]
    lines += [f"open {address}" for sink in run["sinks"] for address in sink.get("addresses", ())]
    lines += [f"left out for speed: {part}" for part in run["shed"]]
    lines += [f"network: {network} on {provider}" for network, provider in found["networks"].items()]
    return [*lines, f"settings: revision {found['revision']}"]


def _rate(fps: float | None) -> str:
    return "no frames" if fps is None else f"{fps:.0f} frames a second"


def _ms(duration_ms: float | None) -> str:
    return "not known yet" if duration_ms is None else f"{duration_ms:.0f} ms"
