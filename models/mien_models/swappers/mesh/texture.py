"""The source face laid flat: the photo's face drawn on the atlas, skin only, with the alpha it is drawn with."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import ATLAS_MARGIN, face_topology, filled
from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_INNER, OVAL
from mien_models.swappers.mesh.delight import levels
from mien_models.swappers.mesh.inpaint import fill_hidden
from mien_models.swappers.mesh.multi_view import FlatView, merge_views, understand
from mien_models.swappers.mesh.neutralise import close_mouth, soften_folds
from mien_models.swappers.mesh.relief import gentler
from mien_models.types import BgrU8, MaskU8, SourceFace, as_f32, as_u8

MIN_ATLAS_PX: Final = 256
MAX_ATLAS_PX: Final = 1024
ALPHA_PX: Final = 512
"""The alpha is drawn with this side at most: it is smooth."""

TRUST_PX: Final = 128
"""What the photos show is kept at this side."""

EDGE_FEATHER: Final = (0.002, 0.065)
"""Where the alpha begins and where it is full, inwards from the mesh's outline, in parts of the atlas' side."""
EYE_FEATHER: Final = (-0.0055, 0.0035)
"""The same outwards from the eyes' outlines: the eyes, and lids that close over them, stay the target's."""
EYE_FEATHER_PX: Final = (0.3, 0.7)
"""So many pixels of the frame are added to it: landmarks are that far off, which on a small face is most of an eye."""
SHARPEST_PX: Final = 0.002
"""The size of a frame's pixel on the atlas, in parts of its side, for a face of 410 pixels."""
SHUT_FEATHER: Final = (0.006, 0.02)
"""The same outwards from eyes that are shut, as far as lids and lashes reach: all of them are the target's then."""
MOUTH_FEATHER: Final = (0.005, 0.024)
"""The same outwards from the inner outline of the lips: teeth and tongue stay the target's."""
BROW_FEATHER: Final = (0.0, 0.02)
"""The same outwards from the brows, where the photo has none to give: the target's own are better than none."""
BROW_COVERED: Final = 0.6
"""How much of such brows is still covered: faint ones are less of the target's face."""
SOCKET_FEATHER: Final = (0.015, 0.07)
"""The same outwards from eyes and brows where no photo shows them: skin that is made up looks like nobody."""
UNKNOWN_COVERED: Final = 0.5
"""How much of the target is covered by skin that is made up, as no photo shows it on either side."""
UNKNOWN_BLUR: Final = 0.03
"""It fades in over so much, in parts of the atlas' side."""
BROWS_KNOWN: Final = 0.5
"""A photo that shows less than this part of the brows has none to give."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTexture:
    """A face on the atlas; its side in pixels is a power of two."""

    bgr: BgrU8
    """(n, n, 3) skin everywhere on the face, also where the photo shows hair, glasses or nothing."""
    trust: MaskU8
    """(TRUST_PX, TRUST_PX) how much of it the photos really show."""
    open_brows: bool
    """Whether the target's brows show, as no photo shows any."""
    open_sockets: bool = False
    """Whether all around the target's eyes shows, as every photo hides it behind dark glasses."""

    @property
    def side_px(self) -> int:
        """The atlas' side."""
        return len(self.bgr)

    def alpha(self, pixel: float = SHARPEST_PX, *, shut: bool = False) -> MaskU8:
        """Draw the alpha it is drawn with, (n, n): 0 outside the face, in the eyes and in the mouth; some 10 ms.

        Args:
            pixel: the size of a frame's pixel on the atlas, in parts of its side.
            shut: for eyes that are closed.
        """
        drawn = swap_alpha(
            min(self.side_px, ALPHA_PX),
            pixel=pixel,
            open_brows=self.open_brows,
            open_sockets=self.open_sockets,
            shut=shut,
        )
        drawn = as_u8(cv2.multiply(drawn, cv2.resize(self._covers(), drawn.shape[::-1]), scale=1 / 255))
        return as_u8(cv2.resize(drawn, (self.side_px, self.side_px), interpolation=cv2.INTER_LINEAR))

    def _covers(self) -> MaskU8:
        """Say how much is covered by what is known: where neither half of the face is, the target's own shows."""
        known = as_f32(cv2.GaussianBlur(np.maximum(self.trust, self.trust[:, ::-1]), (0, 0), UNKNOWN_BLUR * TRUST_PX))
        return (255 - (1 - UNKNOWN_COVERED) * np.clip(255 - 2 * known, 0, 255) + 0.5).astype(np.uint8)


def bake(source: SourceFace) -> FaceTexture:
    """Make one texture of all photos; 0.2 to 0.5 s for each."""
    side_px = side_for(source)
    return texture_of(tuple(understand(view, side_px) for view in source.views))


def texture_of(views: tuple[FlatView, ...]) -> FaceTexture:
    """Make a texture of photos that were laid flat on atlases of one side."""
    face = merge_views(views)
    filled_bgr = close_mouth(fill_hidden(face.log_bgr, face.trust))
    has_beard = any(view.skin.has_beard for view in views)
    calm = gentler(soften_folds(filled_bgr, views[0].smile), views[0].relief, has_beard=has_beard)
    bgr = np.clip(levels(calm) + 0.5, 0, 255).astype(np.uint8)
    hides_eyes = all(view.glasses.are_dark for view in views)
    trust = cv2.resize(as_f32(face.trust), (TRUST_PX, TRUST_PX), interpolation=cv2.INTER_AREA)
    known = np.clip(as_f32(trust) * 255 + 0.5, 0, 255).astype(np.uint8)
    return FaceTexture(bgr=bgr, trust=known, open_brows=_brows_lost(face.trust), open_sockets=hides_eyes)


def side_for(source: SourceFace) -> int:
    """Choose the atlas' side: the power of two that keeps the best photo's detail."""
    wanted_px = source.best.face.width_px / (1 - 2 * ATLAS_MARGIN)
    return int(np.clip(2 ** np.ceil(np.log2(wanted_px)), MIN_ATLAS_PX, MAX_ATLAS_PX))


def swap_alpha(
    side_px: int,
    *,
    pixel: float = SHARPEST_PX,
    open_brows: bool = False,
    open_sockets: bool = False,
    shut: bool = False,
) -> MaskU8:
    """Draw the alpha of a swapped face on an atlas: feathered at the outline, open at the eyes and the mouth.

    Args:
        side_px: the atlas' side.
        pixel: the size of a frame's pixel on the atlas, in parts of its side.
        open_brows: open at the brows, too.
        open_sockets: wide open around the eyes, brows included.
        shut: open at the lids, too.
    """
    at_px = face_topology().atlas * side_px
    inwards = _distance_inside(at_px, OVAL, side_px) - _distance_outside(at_px, OVAL, side_px)
    alpha = _ramp(inwards, EDGE_FEATHER, side_px)
    eye = (EYE_FEATHER[0] + EYE_FEATHER_PX[0] * pixel, EYE_FEATHER[1] + EYE_FEATHER_PX[1] * pixel)
    eye = SHUT_FEATHER if shut else eye
    opened = [(EYE_LEFT, eye, 0.0), (EYE_RIGHT, eye, 0.0), (LIPS_INNER, MOUTH_FEATHER, 0.0)]
    opened += [(brow, BROW_FEATHER, BROW_COVERED) for brow in (BROW_LEFT, BROW_RIGHT) if open_brows]
    if open_sockets:
        opened += [(outline, SOCKET_FEATHER, 0.0) for outline in (EYE_LEFT, EYE_RIGHT, BROW_LEFT, BROW_RIGHT)]
    for contour, feather, least in opened:
        outwards = _distance_outside(at_px, contour, side_px) - _distance_inside(at_px, contour, side_px)
        alpha = np.minimum(alpha, np.maximum(_ramp(outwards, feather, side_px), least))
    return (alpha * 255 + 0.5).astype(np.uint8)


def _brows_lost(trust: NDArray[np.float32]) -> bool:
    """Say whether no photo shows a brow, as behind the rims of glasses."""
    known = np.maximum(trust, trust[:, ::-1])
    return float(known[filled((BROW_LEFT, BROW_RIGHT), len(trust)) > 0].mean()) < BROWS_KNOWN


def _polygon(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> MaskU8:
    mask = np.zeros((side_px, side_px), np.uint8)
    shift = 4
    corners = np.round((at_px[list(contour)] - 0.5) * (1 << shift)).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), shift=shift)
    return mask


def _distance_inside(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> NDArray[np.float32]:
    return as_f32(cv2.distanceTransform(_polygon(at_px, contour, side_px), cv2.DIST_L2, 5))


def _distance_outside(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> NDArray[np.float32]:
    return as_f32(cv2.distanceTransform(~_polygon(at_px, contour, side_px), cv2.DIST_L2, 5))


def _ramp(distance_px: NDArray[np.float32], feather: tuple[float, float], side_px: int) -> NDArray[np.float32]:
    """Rise smoothly from 0 to 1 between the two distances (a cubic, level at both ends)."""
    begin, full = feather[0] * side_px, feather[1] * side_px
    t = as_f32(np.clip((distance_px - begin) / (full - begin), 0, 1))
    return t * t * (3 - 2 * t)
