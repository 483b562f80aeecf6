"""`mien recover`: a recording whose run was interrupted."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from mien.cli import flags

_LOG = logging.getLogger(__name__)


def recover(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The NAME.mp4.part that was left.")],
    credentials_certificate: flags.Certificate = None,
    credentials_key: flags.CertificateKey = None,
    config: flags.Config = None,
) -> None:
    """Make a whole, signed file of a recording that was interrupted by a crash or a power cut."""
    from mien.cli.console import terminal
    from mien.config.settings_file import load_settings

    with terminal(is_debug=bool(context.obj)):
        given = {"credentials_certificate": credentials_certificate, "credentials_key": credentials_key}
        settings = load_settings(given, config)
        from mien.session.ends import users_certificate
        from mien.session.options import resolve
        from mien.sinks.recorded_file import recover as recovered

        whole, frames = recovered(path, users_certificate(resolve(settings).signing))
        _LOG.info("%s: %d frames.", whole, frames)
