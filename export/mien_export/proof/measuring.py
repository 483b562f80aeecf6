"""How far two answers of a network are apart."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # For its types alone: where no torch is, answers can be compared all the same.
    from mien_export.contracts import Network

Numbers = NDArray[np.float32]
_FLAT_SHARE = 0.01
"""An answer whose deviation is less than this part of its reference's is flat."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One output of one case. For pictures and masks, black to white is 1; for vectors, the reference's length is 1."""

    case: str
    """What was asked, alone or in a batch."""
    output: str
    max_error: float
    mean_error: float
    psnr_db: float
    """Infinite where both are equal."""
    colour_shift: float
    """Largest mean difference of a channel; 0 for vectors."""
    cosine: float | None
    """Of vectors."""
    asked: str = ""
    """The case's own name, where it was asked in a batch; '' for the same."""
    fault: str = ""
    """'not a number', 'flat' or 'shape'; '' for none of them."""

    @property
    def question(self) -> str:
        """The name of the case, whether it was asked alone or in a batch."""
        return self.asked or self.case


def measure(
    network: "Network",
    case: str,
    reference: Mapping[str, Numbers],
    candidate: Mapping[str, Numbers],
    asked: str = "",
) -> list[Measured]:
    """Compare every output of a case; `asked` is its own name where it stood in a batch."""
    found = [
        compare((case, port.name), reference[port.name], candidate[port.name], None if port.is_vector else 1 - port.low)
        for port in network.outputs
    ]
    return [replace(one, asked=asked) for one in found]


def compare(what: tuple[str, str], reference: Numbers, candidate: Numbers, span: float | None) -> Measured:
    """Compare one output.

    Args:
        what: the case and the output, as they are called.
        reference: what should come out.
        candidate: what came out.
        span: of a picture or mask, the number that stands for white less the one that stands for black; None for
            vectors.
    """
    case, output = what
    if reference.shape != candidate.shape:
        return Measured(case, output, math.inf, math.inf, 0.0, math.inf, None, fault="shape")
    if not np.isfinite(candidate).all():
        return Measured(case, output, math.inf, math.inf, 0.0, math.inf, None, fault="not a number")
    one, other = reference.astype(np.float64), candidate.astype(np.float64)
    scale = float(np.linalg.norm(one)) if span is None else span
    difference = (other - one) / max(scale, 1e-12)
    is_flat = one.std() > 1e-3 and other.std() < _FLAT_SHARE * one.std()
    square = float((difference**2).mean())
    return Measured(
        case,
        output,
        float(np.abs(difference).max()),
        float(np.abs(difference).mean()),
        math.inf if square == 0 else -10 * math.log10(square),
        0.0 if span is None else _colour_shift(difference),
        None if span is not None else _cosine(one, other),
        fault="flat" if is_flat else "",
    )


def _colour_shift(difference: NDArray[np.float64]) -> float:
    channels = min(range(1, difference.ndim), key=lambda axis: difference.shape[axis])
    others = tuple(axis for axis in range(difference.ndim) if axis != channels)
    return float(np.abs(difference.mean(axis=others)).max())


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / max(lengths, 1e-12))
