"""What is allowed: how far a file of some precision may be from its checkpoint."""

from dataclasses import dataclass
from typing import Final, Self

from mien_export.proof.measuring import Measured
from mien_models.spec import NetworkSpec, SwapSpec

_TOLERANCE: Final = 0.004
"""One grey level of 255; `SwapSpec.tolerance` says otherwise."""
_HALF_A_LEVEL: Final = 0.5 / 255
_FP32_SHARE: Final = 0.25
"""Full precision differs by the order of its sums only."""


@dataclass(frozen=True, slots=True)
class Gates:
    """The largest differences that pass; see `Measured` for what they are of."""

    max_error: float
    mean_error: float
    colour_shift: float
    least_cosine: float

    @classmethod
    def of(cls, spec: NetworkSpec, *, is_half: bool, is_fused: bool = False) -> Self:
        """Take the manifest's tolerance: in half precision single pixels may differ by eight times as much.

        A fused file rounds to whole grey levels: half of one comes on top, in a flat picture for every pixel.
        """
        plain = cls._of(spec, is_half=is_half)
        rounding = _HALF_A_LEVEL if is_fused else 0.0
        return cls(
            plain.max_error + rounding, plain.mean_error + rounding, plain.colour_shift + rounding, plain.least_cosine
        )

    @classmethod
    def _of(cls, spec: NetworkSpec, *, is_half: bool) -> Self:
        tolerance = spec.tolerance if isinstance(spec, SwapSpec) else _TOLERANCE
        if is_half:
            return cls(8 * tolerance, tolerance, tolerance / 2, 0.999)
        return cls(_FP32_SHARE * tolerance, _FP32_SHARE * tolerance / 4, _FP32_SHARE * tolerance / 4, 0.99999)

    def failures(self, measured: Measured) -> tuple[str, ...]:
        """Say which gates an answer fails, in words with both numbers."""
        if measured.fault:
            return (measured.fault,)
        limits = (
            ("largest difference", measured.max_error, self.max_error),
            ("mean difference", measured.mean_error, self.mean_error),
            ("colour shift", measured.colour_shift, self.colour_shift),
        )
        found = [f"{name} {value:.2g}, allowed {limit:.2g}" for name, value, limit in limits if value > limit]
        if measured.cosine is not None and measured.cosine < self.least_cosine:
            found.append(f"cosine {measured.cosine:.5f}, at least {self.least_cosine}")
        return tuple(found)
