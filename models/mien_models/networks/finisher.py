"""The finishing network: repairs a face that is composed already, edges, tone and what a photo did not show.

It is trained by `export/examples/train_finisher`, on synthetic faces, for what Mien itself composes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.finishing_crop import SIDE_PX
from mien_models.interfaces import Session
from mien_models.networks.user_network import open_user_network
from mien_models.types import BgrU8, MaskU8, as_f32

CHANNELS: Final = 10
"""Composed 3, alpha 1, the wearer's light 3, places on the atlas 2, trust 1; all -0.5..0.5."""
COARSE_PX: Final = 64
"""Places on the atlas and trust are given at this side."""
LIGHT_PX: Final = 8
"""It sees the wearer's picture this coarse: light and tone, nobody's features."""
STRANGEST: Final = 1.5
"""What is added is less than this, in parts of white; another network's answer is not."""


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """A face as the network sees it, in the crop of `mien_models.geometry.finishing_crop`."""

    bgr: BgrU8
    """(128, 128, 3) the face in place."""
    alpha: MaskU8
    """(128, 128) how much of that the swapped face covers."""
    frame_bgr: BgrU8
    """(128, 128, 3) the wearer's frame."""
    places: NDArray[np.float32]
    """(64, 64, 2) places on the atlas, 0 beside the mesh."""
    trust: MaskU8 | None
    """(n, n) on the atlas, how much of the face the photo really shows; None where all of it is known."""


class Finisher:
    """Runs a finishing network; keeps nothing of a face."""

    def __init__(self, session: Session, shown: str, *, is_nhwc: bool = False) -> None:
        """Take a network and try it.

        Args:
            session: a network of one input.
            shown: its name for messages.
            is_nhwc: whether its planes are given last.

        Raises:
            ModelError: it is no finishing network, or answers what is none.
        """
        self._session = session
        self._shown = shown
        self._is_nhwc = is_nhwc
        shapes = dict(session.input_shapes)
        sides = (SIDE_PX, SIDE_PX)
        if list(shapes.values()) != [(1, *sides, CHANNELS) if is_nhwc else (1, CHANNELS, *sides)]:
            raise ModelError(
                f"{shown!r} should take {CHANNELS} planes of {SIDE_PX} x {SIDE_PX} px, but takes {shapes}. "
                "Give a finishing network, as export/examples/train_finisher writes it."
            )
        self._input = next(iter(shapes))
        self._run(np.zeros((1, CHANNELS, SIDE_PX, SIDE_PX), np.float32))

    def added(self, face: Composed) -> NDArray[np.float32]:
        """Say what is to be added to a composed face: (128, 128, 3), blue first, in 8-bit levels."""
        return as_f32(self._run(numbers(face)) * np.float32(255) * may_change(face.places)[..., None])

    def _run(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._is_nhwc:
            given = np.ascontiguousarray(given.transpose(0, 2, 3, 1))
        answer = as_f32(next(iter(self._session.run({self._input: given}).values())))
        if answer.shape != ((1, SIDE_PX, SIDE_PX, 3) if self._is_nhwc else (1, 3, SIDE_PX, SIDE_PX)):
            raise ModelError(
                f"{self._shown!r} should answer with 3 planes of {SIDE_PX} px, but gives {answer.shape}. "
                "Give a finishing network."
            )
        if not np.isfinite(answer).all() or float(np.abs(answer).max()) > STRANGEST:
            raise ModelError(f"{self._shown!r} answers with what is no change of a picture; export it anew.")
        return answer[0] if self._is_nhwc else as_f32(answer[0].transpose(1, 2, 0))


def user_finisher(network: Path, *, threads: int = 1) -> Finisher:
    """Load the user's network.

    Raises:
        ModelError: the file is no finishing network, or answers what is none.
    """
    return Finisher(open_user_network(network, threads=threads), str(network))


def numbers(face: Composed) -> NDArray[np.float32]:
    """Put together what the network is given: (1, 10, 128, 128)."""
    light = cv2.resize(face.frame_bgr, (LIGHT_PX, LIGHT_PX), interpolation=cv2.INTER_AREA)
    given = np.empty((1, CHANNELS, SIDE_PX, SIDE_PX), np.float32)
    given[0, :3] = as_f32(face.bgr).transpose(2, 0, 1) / 255
    given[0, 3] = as_f32(face.alpha) / 255
    wide = cv2.resize(as_f32(light) / 255, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    given[0, 4:7] = as_f32(wide).transpose(2, 0, 1)
    # Not smoothed: beside the mesh they are 0, which would be dragged into its edge.
    coarse = np.dstack([face.places, _trust_at(face)])
    enlarged = cv2.resize(as_f32(coarse), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)
    given[0, 7:] = as_f32(enlarged).transpose(2, 0, 1)
    return given - np.float32(0.5)


def may_change(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say where the network may work, the mesh and a band around it: (128, 128), 0..1."""
    inside = cv2.resize(as_f32(places.sum(axis=2)), (32, 32), interpolation=cv2.INTER_AREA) > 2 * INSIDE
    grown = cv2.dilate(np.asarray(inside, np.float32), np.ones((7, 7), np.uint8))
    soft = cv2.blur(grown, (5, 5), borderType=cv2.BORDER_REPLICATE)
    return as_f32(cv2.resize(soft, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))


INSIDE: Final = 0.01
"""Places whose mean coordinate is larger lie on the mesh or its rim."""


def _trust_at(face: Composed) -> NDArray[np.float32]:
    if face.trust is None:
        return np.asarray(face.places.sum(axis=2) > 0, np.float32)
    side_px = len(face.trust)
    at = as_f32(face.places * side_px - 0.5)
    looked_up = cv2.remap(face.trust, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return as_f32(as_f32(looked_up) / 255)
