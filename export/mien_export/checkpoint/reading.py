"""Reads a checkpoint, whatever it is called: what kind of file it is stands in its first bytes."""

import argparse
import hashlib
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

import numpy as np
import torch
from numpy._core import multiarray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mien_export.checkpoint.errors import CheckpointError
from mien_export.checkpoint.inert import NamesCodeError, opened_inertly
from mien_export.checkpoint.isolation import unpickled
from mien_export.checkpoint.long_names import names_too_much
from mien_export.checkpoint.nesting import Taken, weights_of
from mien_export.checkpoint.paddle import from_paddle
from mien_export.runtime_input import has_text_name
from mien_models.system.causes import cause_of

PLAIN: Final[tuple[object, ...]] = (
    argparse.Namespace,
    np.dtype,
    np.ndarray,
    *(getattr(multiarray, name) for name in ("scalar", "_reconstruct")),
    *{type(np.dtype(code)) for code in "?bBhHiIlLqQefd"},
)
"""What stands in training checkpoints beside the tensors and runs no code of the file's: options and numbers."""
_ZIP: Final = b"PK\x03\x04"
_PICKLE: Final = b"\x80"
_OLD_TORCH: Final = bytes.fromhex("6cfc9c46f9206aa85019")
"""The number with which `torch.save` began before it wrote zip files; another pickle is some other program's."""
_FOREIGN: Final[Mapping[bytes, str]] = {
    b"version https://git-lfs": "only says where Git LFS keeps the weights; fetch them with `git lfs pull`",
    b"<": "is a page of a web site, not the weights; download it again",
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"7z\xbc\xaf": "is a 7-Zip archive; unpack it first",
    b"Rar!": "is a RAR archive; unpack it first",
    b"\x08": "looks like an ONNX file, which `mien models add` takes as it is",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights as they were saved."""

    state: Mapping[str, Tensor]
    """On the CPU, of the type that they were saved with, without what wrappers write before each key."""
    source_sha256: str
    """Of the file."""
    taken_from: str
    """Where in the file they stood, for people: 'params_ema, without 'module.' before every key'."""


def read_checkpoint(path: Path, *, allow_pickle: bool = False) -> Checkpoint:
    """Read the weights of a .pth, .pt, .ckpt, .tar, .pdparams or .safetensors file.

    Args:
        path: the file.
        allow_pickle: open a file that runs its own code, in a separate process without network; `isolation` says
            what that keeps out and what it does not.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or needs `allow_pickle`.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{str(path)!r} should be a checkpoint, but: {cause_of(error)}.") from error
    if _is_safetensors(start):
        taken = weights_of(_safetensors(path), path.name)
        return Checkpoint(taken.state, digest, taken.taken_from)
    _refuse_foreign(path, start)
    try:
        taken = weights_of(_content(path, start), path.name)
    except _RunsCodeError as error:
        taken = unpickled(path) if allow_pickle else _inertly(path, start, str(error))
    return Checkpoint(taken.state, digest, taken.taken_from)


class _RunsCodeError(Exception):
    """The file names functions or classes that are not those of plain weights."""


def _is_safetensors(start: bytes) -> bool:
    """Tell by the eight bytes of the header's length, after which the header's JSON begins."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name!r} is damaged or cut short ({error}); download it again.") from error


def _refuse_foreign(path: Path, start: bytes) -> None:
    if not start:
        raise CheckpointError(f"{path.name!r} is empty; download it again.")
    if start.startswith((_ZIP, _PICKLE)) or _is_old_tar(path):
        return
    what = next((told for magic, told in _FOREIGN.items() if start.startswith(magic)), None)
    expected = "should be a checkpoint of PyTorch or Paddle, or a safetensors file, but"
    raise CheckpointError(f"{path.name!r} {expected} {what or 'is neither; give another file'}.")


def _content(path: Path, start: bytes) -> object:
    if is_torchs(path, start):
        return _torch_file(path, is_zip=start.startswith(_ZIP))
    try:
        return from_paddle(opened_inertly(path, is_torch=False, is_zip=False))
    except NamesCodeError as error:
        raise _RunsCodeError(str(error)) from error
    except Exception as error:  # a damaged pickle may raise anything
        raise _damaged(path, error) from error


def _inertly(path: Path, start: bytes, named: str) -> Taken:
    """Read a module that was saved whole without its classes, where it names nothing worse."""
    try:
        content = opened_inertly(path, is_torch=is_torchs(path, start), is_zip=start.startswith(_ZIP))
        taken = weights_of(content, path.name)
    except Exception as error:  # of what the file names, or because something is missing without its classes
        raise CheckpointError(_refusal(path, named)) from error
    return replace(taken, taken_from=f"{taken.taken_from}, read without its classes ({named})")


def is_torchs(path: Path, start: bytes) -> bool:
    """Tell by its first bytes whether PyTorch wrote a file; another pickle is some other program's."""
    return start.startswith(_ZIP) or _OLD_TORCH in start[:24] or _is_old_tar(path)


def _is_old_tar(path: Path) -> bool:
    """Tell a checkpoint of PyTorch before 0.1.10 by the mark of a tar file."""
    with path.open("rb") as file:
        file.seek(257)
        return file.read(5) == b"ustar"


def _torch_file(path: Path, *, is_zip: bool) -> object:
    if is_zip:
        _check_zip(path)
    if names_too_much(path, is_zip=is_zip):
        raise CheckpointError(f"{path.name!r} is damaged, or no checkpoint of PyTorch; download it again.")
    with torch.serialization.safe_globals(list(PLAIN)), warnings.catch_warnings():
        # That it was saved by an older version is no news to the user.
        warnings.simplefilter("ignore")
        try:
            if not has_text_name(path):
                with path.open("rb") as file:
                    return torch.load(file, map_location="cpu", weights_only=True)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
        except UnpicklingError as error:
            raise _RunsCodeError(_named_globals(path, str(error), is_zip=is_zip)) from error
        except Exception as error:  # a damaged pickle may raise anything
            raise _damaged(path, error) from error


def _check_zip(path: Path) -> None:
    """Refuse what torch would complain of in many lines."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception as error:  # a damaged directory of an archive may raise anything
        raise _damaged(path, error) from error
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(
            f"{path.name!r} should hold weights, but is a TorchScript program. Convert it: "
            f"python -c \"import torch; torch.save(torch.jit.load('{path.name}').state_dict(), 'weights.pth')\""
        )
    if not any(name.endswith("data.pkl") for name in names):
        raise CheckpointError(
            f"{path.name!r} is a zip file, but not one of PyTorch's: it holds {', '.join(names[:3]) or 'nothing'}. "
            "If the checkpoint is in it, unpack it first."
        )


def _named_globals(path: Path, said: str, *, is_zip: bool) -> str:
    """Name the classes and functions that the file would call; raises CheckpointError for a damaged file."""
    if is_zip:
        try:
            named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        except Exception as error:  # as above
            raise _damaged(path, error) from error
        if named:
            return ", ".join(sorted(named)[:5])
    for line in said.splitlines():
        words = line.partition("GLOBAL")[2].split()
        if words:
            return words[0]
    raise CheckpointError(f"{path.name!r} is damaged, or no checkpoint of PyTorch; download it again.")


def _damaged(path: Path, error: Exception) -> CheckpointError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return CheckpointError(f"{path.name!r} is damaged or cut short ({said}); download it again.")


def _refusal(path: Path, named: str) -> str:
    convert = (
        f"import torch; torch.save(torch.load('{path.name}', weights_only=False, map_location='cpu').state_dict(), "
        "'weights.pth')"
    )
    return (
        f"{path.name!r} should hold only weights, but it would run code when it is opened: {named}. Convert it where "
        f'you trust it: python -c "{convert}" - or give --allow-pickle, which opens it in a separate process.'
    )
