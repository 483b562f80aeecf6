"""One picture of all that was made of a face's photos: each photo's way, then the swapped face."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from mien.media.text import text_mask
from mien_models.geometry.face_mesh import face_topology
from mien_models.swappers.mesh.delight import levels
from mien_models.swappers.mesh.multi_view import FlatView
from mien_models.swappers.mesh.preview import GREY, preview
from mien_models.swappers.mesh.texture import FaceTexture, texture_of
from mien_models.types import BgrU8, FaceView, SourceFace, as_f32, as_u8

TILE_PX: Final = 320
CAPTION_PX: Final = 30
CAPITAL_PX: Final = 9
INK: Final = 235
PAPER: Final = 38
TURNED_DEG: Final = 35.0
MESH_BGR: Final = (230, 200, 90)
HAIR_BGR: Final = (60, 60, 230)
GLASSES_BGR: Final = (230, 60, 200)
AWAY_BGR: Final = (200, 120, 40)


def face_sheet(source: SourceFace, views: Sequence[FlatView], names: Sequence[str]) -> BgrU8:
    """Draw a row for each photo and a row for the face made of all of them.

    Args:
        source: the photos.
        views: what was understood of each, in the same order, on atlases of one side.
        names: of the photos, for their captions.
    """
    rows = [_photo_row(*row) for row in zip(source.views, views, names, strict=True)]
    return np.vstack([*rows, _face_row(texture_of(tuple(views)))])


def _photo_row(photo: FaceView, view: FlatView, name: str) -> BgrU8:
    even = np.clip(levels(view.log_even), 0, 255).astype(np.uint8)
    return np.hstack(
        [
            _captioned(_meshed(photo), name),
            _captioned(_square(view.photo.bgr), "laid flat"),
            _captioned(_trusted(view), "red: covered, violet: glasses, blue: unseen"),
            _captioned(_square(even), "in even light"),
        ]
    )


def _face_row(texture: FaceTexture) -> BgrU8:
    looks = (
        (-TURNED_DEG, "turned to the left"),
        (0.0, "swapped, eyes and mouth open"),
        (TURNED_DEG, "turned to the right"),
    )
    tiles = [_captioned(_square(texture.bgr), "finished, hidden parts filled")]
    tiles += [_captioned(preview(texture, yaw_deg, TILE_PX), caption) for yaw_deg, caption in looks]
    return np.hstack(tiles)


def _meshed(photo: FaceView) -> BgrU8:
    """The face with its mesh, enlarged before the lines are drawn."""
    left, top, right, bottom = (float(value) for value in photo.face.box_xyxy)
    scale = TILE_PX / (1.5 * max(right - left, bottom - top))
    shift = TILE_PX / 2 - scale * np.array([left + right, top + bottom]) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    tile = as_u8(cv2.warpAffine(photo.photo_bgr, matrix, (TILE_PX, TILE_PX), flags=flags, borderValue=(GREY,) * 3))
    drawn = tile.copy()
    at = np.round((photo.face.landmarks[:, :2] * scale + shift) * 16).astype(np.int32)
    corners = at[face_topology().face_triangles]
    cv2.polylines(drawn, list(corners), isClosed=True, color=MESH_BGR, lineType=cv2.LINE_AA, shift=4)
    return as_u8(cv2.addWeighted(tile, 0.6, drawn, 0.4, 0))


def _trusted(view: FlatView) -> BgrU8:
    """The photo laid flat, tinted where it is not used."""
    picture = as_f32(_square(view.photo.bgr))
    trust, hidden, glasses = (
        as_f32(cv2.resize(as_f32(mask), (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR))[..., None]
        for mask in (view.skin.trust, view.skin.hidden / np.float32(255), view.skin.glasses / np.float32(255))
    )
    tint = np.full_like(picture, AWAY_BGR)
    for share, colour in ((hidden, HAIR_BGR), (glasses, GLASSES_BGR)):
        tint = tint * (1 - share) + np.array(colour, np.float32) * share
    unused = (1 - trust) * 0.6
    return as_u8(picture * (1 - unused) + tint * unused)


def _square(image_bgr: BgrU8) -> BgrU8:
    interpolation = cv2.INTER_AREA if len(image_bgr) > TILE_PX else cv2.INTER_LINEAR
    return as_u8(cv2.resize(image_bgr, (TILE_PX, TILE_PX), interpolation=interpolation))


def _captioned(tile: BgrU8, caption: str) -> BgrU8:
    strip = np.full((CAPTION_PX, TILE_PX, 3), PAPER, np.uint8)
    mask = text_mask(caption, CAPITAL_PX)[:CAPTION_PX, : TILE_PX - 12]
    top, share = (CAPTION_PX - len(mask)) // 2, mask[..., None] / 255
    place = strip[top : top + mask.shape[0], 8 : 8 + mask.shape[1]]
    place[:] = place * (1 - share) + INK * share
    return np.vstack([tile, strip])
