"""Weights of PaddlePaddle by PyTorch's names and in its layout."""

from collections.abc import Mapping
from typing import Final, cast

from torch import Tensor

_STRUCTURE: Final = "StructuredToParameterName@@"
"""Beside the weights `paddle.save` keeps what it called them before."""
_NAMES: Final[Mapping[str, str]] = {"_mean": "running_mean", "_variance": "running_var", "_weight": "weight"}


def from_paddle(content: object) -> object:
    """Rename what Paddle calls otherwise and lay out its linear layers, which are (in, out), as (out, in).

    Args:
        content: what a file held; returned as it is where Paddle did not write it.
    """
    if not isinstance(content, Mapping):
        return content
    given = cast("Mapping[str, object]", content)
    entries = dict(given)
    is_paddles = _STRUCTURE in entries or any(str(key).endswith(("._mean", "._variance")) for key in entries)
    if not is_paddles:
        return given
    entries.pop(_STRUCTURE, None)
    return {_renamed(key): _laid_out(key, one) for key, one in entries.items()}


def _renamed(key: str) -> str:
    before, dot, name = key.rpartition(".")
    return f"{before}{dot}{_NAMES.get(name, name)}"


def _laid_out(key: str, value: object) -> object:
    if isinstance(value, Tensor) and len(value.shape) == 2 and key.endswith("weight"):
        return value.permute(1, 0).contiguous()
    return value
