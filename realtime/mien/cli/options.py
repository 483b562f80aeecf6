"""The flags that several commands share; one that is not given stays None, so that the settings below it count."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

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
    others = {"config", "print_config", "input_path", "output_path", "clip", "frames", "limit", "json_file"}
    settings = {name: value for name, value in parameters.items() if name not in others}
    settings["sinks"] = settings.pop("sink", None)
    settings["masks"] = settings.pop("mask", None)
    settings["edge"] = {name: settings.pop(name, None) for name in ("erode", "feather")}
    settings["policy"] = {name: settings.pop(name, None) for name in ("lost", "privacy", "fault")}
    return settings
