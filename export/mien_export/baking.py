"""A face becomes a part of a network's weights, for networks that are made anew for each face: MobileFaceSwap.

Photo and identity network are used once, here; what is left is a network that shows this face and no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien_export.architectures._mobilefaceswap_face import lacks_face, with_face
from mien_export.architectures.simswap_arcface import SimSwapArcFaceModule
from mien_export.checkpoint import read_checkpoint
from mien_export.graph import ExportError, loaded
from mien_export.proof.faces import face_in
from mien_export.recognising import AskError, Said, network_for
from mien_models.architectures.arcface import SIDE_PX
from mien_models.architectures.mobilefaceswap import crop
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.specs.network import IMAGENET_PIXELS
from mien_models.types import BgrU8, as_u8

_CUT: Final = crop(224)
"""As the faces that it swaps; it is halved for the identity network."""
CONSENTS: Final = ("self", "granted", "synthetic", "public-domain")


@dataclass(frozen=True, slots=True)
class SourceFacesInUse:
    """The face that a network is made for."""

    photo: Path
    network: Path
    """SimSwap's identity network: a checkpoint of it."""
    consent: str
    """By what right: one of `CONSENTS`."""


def needs_face(state: Mapping[str, Tensor]) -> bool:
    """Whether weights are those of a network that is made anew for each face."""
    return lacks_face({key: tuple(one.shape) for key, one in state.items()})


def baked(state: Mapping[str, Tensor], in_use: SourceFacesInUse | None, *, allow_pickle: bool) -> dict[str, Tensor]:
    """Make the network for a face.

    Args:
        state: of the trained part.
        in_use: whose face; None is answered with what is missing.
        allow_pickle: for the identity network's file.

    Raises:
        AskError: no face was given.
        ExportError: the photo cannot be read or shows no face.
    """
    if in_use is None:
        raise AskError(
            "These weights make a network for one face: give --face PHOTO, --face-network FILE with SimSwap's identity "
            f"network (MobileFaceSwap's arcface.pdparams), and --consent {'|'.join(CONSENTS)}."
        )
    vector, features = _seen(_cut_out(in_use.photo), in_use.network, allow_pickle=allow_pickle)
    return with_face(state, vector, features)


def _cut_out(path: Path) -> BgrU8:
    """Give the face (112, 112, 3) of a photo."""
    photo = cv2.imread(str(path))
    face = None if photo is None else face_in(as_u8(photo))
    if photo is None or face is None:
        what = "cannot be read" if photo is None else "shows no face"
        raise ExportError(f"--face should be a photo of the source face, but {str(path)!r} {what}; give another.")
    crop_bgr = AlignedInput(_CUT).crop(as_u8(photo), face.five_points)[0]
    return as_u8(cv2.resize(crop_bgr, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))


def _seen(face_bgr: BgrU8, path: Path, *, allow_pickle: bool) -> tuple[Tensor, Tensor]:
    """Give what the identity network makes of a face: its vector, of length 1, and its last features."""
    checkpoint = read_checkpoint(path, allow_pickle=allow_pickle)
    found = network_for(checkpoint.state, Said("simswap_arcface"))
    module = loaded(found.network, found.state_in(checkpoint.state))
    if not isinstance(module, SimSwapArcFaceModule):
        raise TypeError(f"expected SimSwap's identity network, got {type(module).__name__}")
    scale, offset = (np.array(one, np.float32) for one in IMAGENET_PIXELS)
    numbers = face_bgr[:, :, ::-1].astype(np.float32) * scale + offset
    with torch.no_grad():
        features, vector = module.map_and_vector(
            torch.from_numpy(np.ascontiguousarray(numbers.transpose(2, 0, 1)[None]))
        )
    return functional.normalize(vector), features
