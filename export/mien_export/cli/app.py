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
# In the list of commands each has a line; longer ones would be cut off.
app.command(short_help="Make one ONNX file of a checkpoint, proven.")(onnx)
app.command(short_help="Prove files against their checkpoint.")(verify)
app.command(short_help="Measure what files cost on the processor.")(bench)
app.command(short_help="Compile an ONNX file for NVIDIA cards.")(engine)
app.command(short_help="Unpack the networks that come with Mien.")(weights)
app.command(short_help="Check the face mesh's triangles.")(topology)


@app.callback(epilog="--debug anywhere, or MIEN_DEBUG=1, lets an error out with its traceback.")
def about() -> None:
    """Bring trained face swappers from PyTorch to ONNX and TensorRT, with proof that nothing was lost."""
