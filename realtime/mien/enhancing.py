"""How the user names an enhancer: its family and a file."""

from pathlib import Path

from mien_models.errors import UsageError


def parse_enhancer(spec: str) -> tuple[str, Path]:
    """Take 'name:file' apart.

    Raises:
        UsageError: there is no file; no enhancer comes with Mien.
    """
    name, _, file = spec.partition(":")
    if not file:
        raise UsageError(f"The enhancer {name!r} needs your network, an ONNX file: write --enhance {name}:FILE.onnx.")
    return name, Path(file)
