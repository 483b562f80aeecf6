"""What finds the rims of glasses on a face laid flat, once it is known that there are some.

It was trained for Mien on synthetic faces with glasses drawn on: `export/examples/train_finisher`.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.face_mesh import face_topology, facing, mesh_patch, rasterise
from mien_models.interfaces import Session
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, PointsF32, as_f32, as_u8

SIDE_PX: Final = 256
"""Side of the atlas that is looked at."""
BAND: Final = slice(40, 152)
"""Its rows in which glasses are: from the forehead to below the cheekbones."""
ROWS: Final = BAND.stop - BAND.start
CHANNELS: Final = 5
"""Blue, green and red as logarithms, how far from the middle and how far down."""
DARKEST: Final = 12.0
"""Added before a logarithm, in 8-bit levels: a rim in the shade is as much darker than skin as one in the light."""
TOWARDS: Final = (0.1, 0.35)
"""How much a texel must face the camera to be looked at: below the first not at all, above the second fully."""
COARSER: Final = 2
"""Where texels lie is drawn so many times as coarse: it is linear inside every triangle."""


def flat_band(frame_bgr: BgrU8, landmarks: PointsF32) -> tuple[BgrU8, NDArray[np.float32]]:
    """Lay the band around the eyes flat: (112, 256, 3), and how much of each texel is seen: (112, 256), 0..1."""
    patch = mesh_patch(frame_bgr, face_topology().with_rim(landmarks))
    if patch is None:
        return np.zeros((ROWS, SIDE_PX, 3), np.uint8), np.zeros((ROWS, SIDE_PX), np.float32)
    attributes = np.empty((len(patch.points), 3), np.float32)
    attributes[:, :2] = patch.points[:, :2]
    attributes[:, 2] = np.clip((facing(patch.points) - TOWARDS[0]) / (TOWARDS[1] - TOWARDS[0]), 0, 1)
    drawn = rasterise(_band_points(), band_triangles(), attributes, width=SIDE_PX // COARSER, height=ROWS // COARSER)
    at = as_f32(cv2.resize(drawn, (SIDE_PX, ROWS), interpolation=cv2.INTER_LINEAR))
    flat = cv2.remap(patch.bgr, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return as_u8(flat), np.ascontiguousarray(at[..., 2])


@cache
def _band_points() -> PointsF32:
    """Give all points of the mesh in pixels of the coarser band."""
    points = np.zeros((len(face_topology().atlas), 3), np.float32)
    points[:, :2] = (face_topology().atlas * SIDE_PX - (0, BAND.start)) / COARSER - 0.5
    return points


@cache
def band_triangles() -> NDArray[np.int32]:
    """Give those of the mesh's triangles that reach into the band: (n, 3)."""
    triangles = face_topology().triangles
    rows = _band_points()[triangles, 1]
    reaches = (rows.max(axis=1) > -1) & (rows.min(axis=1) < ROWS / COARSER)
    return np.ascontiguousarray(triangles[reaches])


def band_numbers(band_bgr: BgrU8) -> NDArray[np.float32]:
    """Turn a band to what the network is given: (112, 256, 5)."""
    logarithms = cv2.split(cv2.LUT(band_bgr, _logarithms()))
    mean = np.float32(sum(cv2.mean(channel)[0] for channel in logarithms) / 3)
    return as_f32(cv2.merge([*(channel - mean for channel in logarithms), *_places()]))


@cache
def _places() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say of each texel how far from the middle and how far down it lies: two (112, 256)."""
    across = np.abs(np.linspace(-1, 1, SIDE_PX, dtype=np.float32))
    down = np.linspace(-0.5, 0.5, ROWS, dtype=np.float32)
    return np.tile(across, (ROWS, 1)), np.tile(down[:, None], (1, SIDE_PX))


@cache
def _logarithms() -> NDArray[np.float32]:
    return as_f32(np.log(np.arange(256, dtype=np.float32) + np.float32(DARKEST)))


class Rims:
    """Finds rims, bridge and temples; 3 ms."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: they are not this network's.
        """
        size = (ROWS, SIDE_PX)
        if manifest.input.shape != (1, *size, CHANNELS) or [o.shape for o in manifest.outputs] != [(1, *size, 1)]:
            raise ModelError(f"{manifest.name!r} should take and give planes of {size}; correct its manifest.")
        self._session = session
        self._input, self._output = manifest.input.name, manifest.outputs[0].name

    def look(self, band_bgr: BgrU8) -> NDArray[np.float32]:
        """Say how surely each texel of a band is of glasses: (112, 256), 0..1."""
        outputs = self._session.run({self._input: band_numbers(band_bgr)[None]})
        return as_f32(outputs[self._output][0, ..., 0])
