"""The process that opens a pickle: it gives up what it can before it imports anything that threads."""

import sys


def main() -> None:
    """Open the file of the first argument, write its weights to the second; ends with 1 and one line on failure."""
    source, output = sys.argv[1:3]
    from mien_export.checkpoint.confinement import confine

    protection = confine(source)
    # The namespace must be entered before torch, which the rest imports, starts its threads.
    from mien_export.checkpoint.errors import CheckpointError

    try:
        content = _opened(source)
        _write(content, output, source, protection)
    except CheckpointError as error:
        raise SystemExit(str(error)) from error
    except BaseException as error:  # the file's own code may raise anything
        raise SystemExit(f"{type(error).__name__}: {error}".splitlines()[0]) from error


def _opened(source: str) -> object:
    """Open a file of PyTorch's, or another program's pickle of arrays."""
    import pickle
    import zipfile
    from pathlib import Path

    import torch

    from mien_export.checkpoint.inert import with_tensors
    from mien_export.checkpoint.paddle import from_paddle
    from mien_export.checkpoint.reading import is_torchs

    with Path(source).open("rb") as file:
        if zipfile.is_zipfile(source) or is_torchs(Path(source), file.read(64)):
            return torch.load(source, map_location="cpu", weights_only=False)
        file.seek(0)
        return from_paddle(with_tensors(pickle.load(file)))  # noqa: S301 - that is what this process is for


def _write(content: object, output: str, source: str, protection: str) -> None:
    import json
    from pathlib import Path

    from safetensors.torch import save_file
    from torch import nn

    from mien_export.checkpoint.isolation import PROTECTION, TAKEN_FROM
    from mien_export.checkpoint.nesting import weights_of

    whole = content.state_dict() if isinstance(content, nn.Module) else _with_states(content)
    taken = weights_of(whole, Path(source).name)
    # Tensors that share their memory are refused by the format.
    state = {key: one.detach().clone().contiguous() for key, one in taken.state.items()}
    save_file(state, output, {TAKEN_FROM: json.dumps(taken.taken_from), PROTECTION: json.dumps(protection)})


def _with_states(content: object) -> object:
    """Replace modules inside a training checkpoint by their weights."""
    from collections.abc import Mapping
    from typing import cast

    from torch import nn

    if isinstance(content, nn.Module):
        return content.state_dict()
    if isinstance(content, Mapping):
        return {key: _with_states(one) for key, one in cast("Mapping[object, object]", content).items()}
    return content
