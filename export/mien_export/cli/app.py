"""The commands of `mien-export` and their help; nothing heavy is imported before a command runs."""

from typing import Final

import typer

from mien_export.cli.bench import bench
from mien_export.cli.engine import engine
from mien_export.cli.onnx import onnx
from mien_export.cli.topology import topology
from mien_export.cli.verify import verify
from mien_export.cli.weights import weights

app: Final = typer.Typer(
    name="mien-export",
    no_args_is_help=True,
    add_completion=False,
    # Plain help: the decorated one costs 0.4 s of imports.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(onnx)
app.command()(verify)
app.command()(bench)
app.command()(engine)
app.command()(weights)
app.command()(topology)


@app.callback(epilog="--debug anywhere, or MIEN_DEBUG=1, lets an error out with its traceback.")
def about() -> None:
    """Bring trained face swappers from PyTorch to ONNX and TensorRT, with proof that nothing was lost."""
