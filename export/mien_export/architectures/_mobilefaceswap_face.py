"""The part of MobileFaceSwap that is trained: of a face's features it makes the weights of the network that runs.

Described in MobileFaceSwap's `models/model.py` (`BuildFaceSwap`). Each depthwise kernel is a small picture that is made
of the last features of SimSwap's identity network; each 1x1 kernel is a trained one, scaled by the face's vector and
brought to length 1.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_export.architectures._plain import called
from mien_export.checkpoint.errors import CheckpointError
from mien_export.contracts import Shapes
from mien_export.seeded import LAST_COUNTER

SLOPE = 0.1
EPS = 1e-16


class ScaledKernel(nn.Module):
    """A 1x1 kernel that a vector scales."""

    def __init__(self, given: int, wanted: int, length: int) -> None:
        super().__init__()
        self.style = nn.Linear(length, given)
        self.weight = nn.Parameter(torch.zeros(wanted, given, 1, 1))

    def forward(self, vector: Tensor) -> Tensor:
        """Give the kernel (wanted, given, 1, 1) of a vector (1, length)."""
        scaled = self.weight * (called(self.style, vector)[0][None, :, None, None] + 1)
        return scaled * (scaled.square().sum((1, 2, 3), keepdim=True) + EPS).rsqrt()


class KernelStep(nn.Module):
    """One depthwise kernel, and the features that the next one is made of."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, wanted, 3, padding=1)
        self.norm = nn.BatchNorm2d(wanted)
        self.weight = nn.Conv2d(wanted, wanted, 3, padding=1)

    def features(self, inner: Tensor) -> Tensor:
        """Give (1, wanted, h, w)."""
        return functional.leaky_relu(called(self.norm, called(self.conv, inner)), SLOPE)


class KernelPredictor(nn.Module):
    """All depthwise kernels of a face's features."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(length, length, 4)
        self.norm = nn.BatchNorm2d(length)
        self.first_decoder = nn.Conv2d(length, length, 2)
        self.decoder_norm = nn.BatchNorm2d(length)
        down = [length, *(width * factor for factor in (8, 4, 2, 1)), 3]
        up = [length, *(width * factor for factor in (16, 16, 8, 4))]
        self.encoder = nn.ModuleList([KernelStep(one, other) for one, other in pairwise(down)])
        self.decoder = nn.ModuleList([KernelStep(one, other) for one, other in pairwise(up)])

    def kernels(self, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Give those of the encoder (c, 1, 4, 4), of the whole side first, and of the decoder (c, 1, 3, 3)."""
        small = functional.leaky_relu(called(self.norm, called(self.first, features)), SLOPE)
        smaller = functional.leaky_relu(called(self.decoder_norm, called(self.first_decoder, small)), SLOPE)
        return _kernels(self.encoder, small)[::-1], _kernels(self.decoder, smaller)


def _kernels(steps: nn.ModuleList, features: Tensor) -> list[Tensor]:
    found: list[Tensor] = []
    for step in steps:
        if isinstance(step, KernelStep):
            features = step.features(features)
            found.append(called(step.weight, features)[0].unsqueeze(1))
    return found


class FaceWeights(nn.Module):
    """What makes the weights; the keys are those of `MobileFaceSwap_224.pdparams`, without `final` and `mask`."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        outs = [width * factor for factor in (1, 2, 4, 8, 16)]
        downs = list(zip([3, *outs[:-1]], outs, strict=True))
        ups = [(16 * width, 8 * width), (16 * width, 4 * width), (8 * width, 2 * width), (4 * width, width)]
        self.predictor = KernelPredictor(width, length)
        self.EncoderModulation = nn.ModuleList([ScaledKernel(one, other, length) for one, other in downs])
        self.DecoderModulation = nn.ModuleList([ScaledKernel(one, other, length) for one, other in ups])

    def weights_for(self, vector: Tensor, features: Tensor) -> dict[str, Tensor]:
        """Give the weights of the network that runs, but those that are the same for every face.

        Args:
            vector: (1, length) of length 1.
            features: (1, length, 7, 7), the last of the identity network.
        """
        encoder, decoder = self.predictor.kernels(features)
        state: dict[str, Tensor] = {}
        for name, kernels, scaled in (
            ("Encoder", encoder, self.EncoderModulation),
            ("Decoder", decoder, self.DecoderModulation),
        ):
            for number, (kernel, of_vector) in enumerate(zip(kernels, scaled, strict=True)):
                pixels = called(of_vector, vector)
                for place, one in enumerate((kernel, pixels)):
                    state[f"{name}.{number}.{place}.weight"] = one.detach().contiguous()
                    # The face says nothing of these, and the published code leaves them as they were made.
                    state[f"{name}.{number}.{place}.bias"] = torch.zeros(one.shape[0])
        return state


def lacks_face(shapes: Shapes) -> bool:
    """Tell the trained part, which makes a network for a face, from a network with a face inside."""
    return "predictor.first.weight" in shapes and "EncoderModulation.0.weight" in shapes


def with_face(state: Mapping[str, Tensor], vector: Tensor, features: Tensor) -> dict[str, Tensor]:
    """Make the weights of a network for one face.

    Args:
        state: of the trained part; see `lacks_face`.
        vector: (1, length) of length 1.
        features: (1, length, 7, 7).

    Raises:
        CheckpointError: weights of the trained part are missing, or of another shape.
    """
    wanted, length = state["EncoderModulation.0.weight"].shape[0], vector.shape[1]
    maker = FaceWeights(wanted, length)
    own = {key: one for key, one in maker.state_dict().items() if LAST_COUNTER not in key}
    unfit = sorted(key for key, one in own.items() if key not in state or state[key].shape != one.shape)
    if unfit:
        raise CheckpointError(
            f"The weights that make a network for a face should have all the keys of MobileFaceSwap_224.pdparams, but "
            f"{len(unfit)} of {len(own)} are missing or of another shape, first {unfit[0]}. Download the file again."
        )
    shared = {key: one for key, one in state.items() if key.startswith(("final.", "mask."))}
    maker.load_state_dict({key: state[key] for key in own}, strict=False)
    with torch.no_grad():
        return shared | maker.eval().weights_for(vector, features)
