"""How far a picture is from what it should be."""

from typing import Final

from torch import Tensor
from torch.nn import functional

_WINDOW: Final = 7
_C1: Final = 0.01**2
_C2: Final = 0.03**2
"""As in Wang et al. 2004, for pictures of 0..1."""


def dssim(one: Tensor, other: Tensor) -> Tensor:
    """Structural dissimilarity (1 - SSIM) / 2 at each pixel of (n, c, h, w), over windows of 7 pixels."""
    mean_one, mean_other = _blurred(one), _blurred(other)
    spread_one = _blurred(one * one) - mean_one**2
    spread_other = _blurred(other * other) - mean_other**2
    together = _blurred(one * other) - mean_one * mean_other
    alike = (2 * mean_one * mean_other + _C1) * (2 * together + _C2)
    return (1 - alike / ((mean_one**2 + mean_other**2 + _C1) * (spread_one + spread_other + _C2))) / 2


def face_loss(given: tuple[Tensor, Tensor], face: Tensor, mask: Tensor) -> Tensor:
    """Give one number: structure and colour inside the mask, a little of them outside, and the mask itself."""
    picture, learned = given
    weight = mask + 0.1
    colour = (weight * (picture - face).abs()).mean()
    structure = (weight * dssim(picture, face)).mean()
    return 4 * structure + 2 * colour + (learned - mask).square().mean()


def _blurred(picture: Tensor) -> Tensor:
    padded = functional.pad(picture, (_WINDOW // 2,) * 4, mode="reflect")
    return functional.avg_pool2d(padded, _WINDOW, stride=1)
