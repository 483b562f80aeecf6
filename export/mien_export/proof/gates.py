"""What is allowed: how far a file of some precision may be from its checkpoint."""

from dataclasses import dataclass, replace
from typing import Final, Self

from mien_export.proof.measuring import Measured
from mien_models.specs.network import NetworkSpec, SwapSpec

_TOLERANCE: Final = 0.004
"""One grey level of 255; `SwapSpec.tolerance` says otherwise."""
_HALF_A_LEVEL: Final = 0.5 / 255
_FP32_SHARE: Final = 0.25
"""Full precision differs by the order of its sums only."""
_NOISES: Final = 3.0
"""A file's sums are in another order than torch's: its error may be so many times as large as torch's own."""
_NOISIEST: Final = 8.0
"""Of the tolerance. What is lost beyond that is seen, whoever loses it."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What a user allows more, and why; both are written into the file."""

    largest: float
    """Largest difference of a number, black to white being 1."""
    reason: str


@dataclass(frozen=True, slots=True)
class Gates:
    """The largest differences that pass; see `Measured` for what they are of."""

    max_error: float
    mean_error: float
    colour_shift: float
    least_cosine: float

    @classmethod
    def of(cls, spec: NetworkSpec, *, is_half: bool, is_fused: bool = False, raised: Raised | None = None) -> Self:
        """Take the manifest's tolerance: in half precision single pixels may differ by eight times as much.

        A fused file rounds to whole grey levels: half of one comes on top, in a flat picture for every pixel.

        Args:
            spec: its tolerance counts.
            is_half: whether the file is in half precision.
            is_fused: whether it gives bytes.
            raised: a user's own limit for the largest difference; the others grow with it.
        """
        plain = cls._of(spec, is_half=is_half)
        if raised is not None:
            plain = plain.grown(raised.largest / plain.max_error)
        rounding = _HALF_A_LEVEL if is_fused else 0.0
        return cls(
            plain.max_error + rounding, plain.mean_error + rounding, plain.colour_shift + rounding, plain.least_cosine
        )

    @classmethod
    def _of(cls, spec: NetworkSpec, *, is_half: bool) -> Self:
        tolerance = _tolerance_of(spec)
        if is_half:
            return cls(8 * tolerance, tolerance, tolerance / 2, 0.999)
        return cls(_FP32_SHARE * tolerance, _FP32_SHARE * tolerance / 4, _FP32_SHARE * tolerance / 4, 0.99999)

    def grown(self, times: float) -> Self:
        """Allow so many times as much; a cosine is what a vector's error makes of it, which grows with the square."""
        return replace(
            self,
            max_error=self.max_error * times,
            mean_error=self.mean_error * times,
            colour_shift=self.colour_shift * times,
            least_cosine=1 - min(1.0, (1 - self.least_cosine) * times * times),
        )

    def with_noise(self, noise: Measured, spec: NetworkSpec) -> Self:
        """Allow for what full precision itself loses in this network.

        Args:
            noise: torch's answer in full precision against the exact one.
            spec: its tolerance is the measure of what would be seen.
        """
        most = _NOISIEST * _tolerance_of(spec)
        return replace(
            self,
            max_error=_raised(self.max_error, noise.max_error, most),
            mean_error=_raised(self.mean_error, noise.mean_error, most / 4),
            # A shift of a colour is a mean that may cancel out by chance, here or there.
            colour_shift=_raised(self.colour_shift, noise.mean_error, most / 4),
            least_cosine=self.least_cosine
            if noise.cosine is None
            else 1 - _raised(1 - self.least_cosine, 1 - noise.cosine, 0.001),
        )

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
            found.append(f"cosine {measured.cosine:.5f}, at least {self.least_cosine:.5f}")
        return tuple(found)


def _tolerance_of(spec: NetworkSpec) -> float:
    return spec.tolerance if isinstance(spec, SwapSpec) else _TOLERANCE


def _raised(gate: float, noise: float, most: float) -> float:
    return max(gate, min(gate + _NOISES * noise, most))
