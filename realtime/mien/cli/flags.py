"""The flags that commands share; those of settings are made only when such a command is run, so that help is quick."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import typer

Certificate: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="CHAIN.pem", help="Sign what is written with your own certificate.")
]
CertificateKey: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="KEY.pem", help="The key of that certificate, without a pass-phrase.")
]
Config: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Settings file instead of the usual mien.toml.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
JsonFile: TypeAlias = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result there.")]


def given(parameters: Mapping[str, object]) -> dict[str, object]:
    """Turn a command's parameters into settings: several sinks and masks, and the tables."""
    others = {"config", "print_config", "pair", "input_path", "output_path", "clip", "frames", "limit", "json_file"}
    settings = {name: value for name, value in parameters.items() if name not in others}
    settings["sinks"] = settings.pop("sink", None)
    settings["masks"] = settings.pop("mask", None)
    settings["edge"] = {name: settings.pop(name, None) for name in ("erode", "feather")}
    settings["policy"] = {name: settings.pop(name, None) for name in ("lost", "privacy", "fault")}
    return settings


Command = TypeVar("Command", bound=Callable[..., None])


@runtime_checkable
class TakesSettings(Protocol):
    """A command whose flags are made when it is wanted."""

    def take_flags(self) -> None:
        """Make the flags of the settings its own."""
        ...


def setting_flags(*groups: str, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Let a command take these groups of settings as flags; it finds them in its context's parameters.

    Args:
        groups: as the settings' own descriptions name them; none means all.
        without: settings that the command does not take, those inside tables with a dot.
    """

    def wrapped(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True)
        kept = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()]

        @functools.wraps(command)
        def run(**values: object) -> None:
            command(**{name: values[name] for name in own.parameters})

        def describe(parameters: Sequence[inspect.Parameter]) -> None:
            described = cast("Any", run)
            described.__signature__ = own.replace(parameters=list(parameters))
            described.__annotations__ = {one.name: one.annotation for one in parameters}

        def take_flags() -> None:
            from mien.cli.setting_flags import flag_parameters

            describe([*kept, *flag_parameters(groups, without)])

        describe(kept)
        cast("Any", run).take_flags = take_flags
        return cast("Command", run)

    return wrapped


def flags_taken(apps: Iterable[typer.Typer], words: Sequence[str]) -> None:
    """Give the commands that a command line names their flags."""
    for app in apps:
        for info in app.registered_commands:
            callback: object = info.callback
            name = info.name or getattr(callback, "__name__", "")
            if name in words and isinstance(callback, TakesSettings):
                callback.take_flags()
