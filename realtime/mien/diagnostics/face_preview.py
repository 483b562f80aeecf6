"""What was understood of a face's photos: a picture of it, and words that say what would help."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.media.pictures import Picture, check_picture_name, write_picture
from mien.media.text import text_mask
from mien.session.source_faces import library_photos
from mien.tracking.photo import PhotoAddress, best_first, photo_address, read_source_photo, seen_face
from mien_models.errors import PhotoError
from mien_models.geometry.face_mesh import face_topology, filled
from mien_models.geometry.face_regions import FACE_CORE, OVAL
from mien_models.swappers.mesh.delight import SIDE_PX, levels
from mien_models.swappers.mesh.multi_view import FlatView, understand
from mien_models.swappers.mesh.photo_eyes import lends_eyes
from mien_models.swappers.mesh.preview import GREY, preview
from mien_models.swappers.mesh.texture import FaceTexture, side_for, texture_of
from mien_models.system.atomic_write import check_spares
from mien_models.system.folders import named_path
from mien_models.system.sentence import sentence
from mien_models.types import BgrU8, Face, FaceView, SourceFace, as_f32, as_u8

SMALL_PX: Final = 160
"""Narrower faces look soft on a larger one."""
TURNED_DEG: Final = 25.0
"""A head that is turned farther hides a cheek."""
PITCHED_DEG: Final = 25.0
UNEVEN: Final = 1.8
"""Ratio of the light on the brightest and the darkest tenth of the skin from which it is worth a word."""
HIDDEN: Final = 0.25
"""From this part of the face on it is worth saying that something covers it."""
BURNT: Final = 0.06
"""Part of the face's core whose pixels are white."""
SMILING: Final = 0.4
TILE_PX: Final = 320
CAPTION_PX: Final = 30
CAPITAL_PX: Final = 9
INK: Final = 235
PAPER: Final = 38
_SHOWN_TURNED_DEG: Final = 35.0
"""How far the finished face is turned to be looked at from the side."""
MESH_BGR: Final = (230, 200, 90)
HAIR_BGR: Final = (60, 60, 230)
GLASSES_BGR: Final = (230, 60, 200)
AWAY_BGR: Final = (200, 120, 40)
_LOG = logging.getLogger(__name__)


def remarks(view: FlatView, photo: FaceView) -> tuple[str, ...]:
    """Say what is wrong with a photo, what was done about it, and what would help; nothing of a good photo."""
    return (*_of_the_pose(photo.face), *_of_the_eyes(photo), *_of_the_skin(view))


def _of_the_eyes(photo: FaceView) -> list[str]:
    if lends_eyes(photo):
        return []
    return [sentence("The eyes are closed, turned away, small or behind dark lenses; your own are shown instead.")]


def _of_the_pose(face: Face) -> list[str]:
    said: list[str] = []
    if face.width_px < SMALL_PX:
        said.append(
            sentence(
                "The face is {width} pixels wide and will look soft; 256 or more look good.", width=round(face.width_px)
            )
        )
    if abs(face.pose.yaw_deg) > TURNED_DEG:
        side = sentence("right") if face.pose.yaw_deg > 0 else sentence("left")
        said.append(
            sentence(
                "The head is turned {degrees} degrees to the {side}; the far cheek comes from another photo or is "
                "mirrored. A second photo that looks into the camera helps.",
                degrees=round(abs(face.pose.yaw_deg)),
                side=side,
            )
        )
    if abs(face.pose.pitch_deg) > PITCHED_DEG:
        where = sentence("up") if face.pose.pitch_deg > 0 else sentence("down")
        said.append(
            sentence(
                "The head looks {where} by {degrees} degrees; a level photo keeps more detail.",
                where=where,
                degrees=round(abs(face.pose.pitch_deg)),
            )
        )
    return said


def _of_the_skin(view: FlatView) -> list[str]:
    said: list[str] = []
    skin = view.skin
    if skin.glasses.any():
        said.append(
            sentence(
                "Glasses were found; their rims are painted over. A photo without them keeps the skin around the eyes."
            )
        )
    if skin.light.contrast > UNEVEN:
        said.append(
            sentence(
                "The light is uneven, {times} times as strong on one part of the face as on another; it was evened "
                "out.",
                times=f"{skin.light.contrast:.1f}",
            )
        )
    oval, core = (filled((contour,), SIDE_PX) > 0 for contour in (OVAL, FACE_CORE))
    covered = float((skin.hidden[oval] > 0).mean())
    if covered > HIDDEN:
        said.append(
            sentence(
                "Hair or something else covers {part} of the face's outline and sides; skin was put there.",
                part=f"{covered:.0%}",
            )
        )
    if (skin.hidden[core] > 0).mean() > HIDDEN / 2:
        said.append(sentence("Something covers eyes, nose, cheeks or mouth; what lies below is guessed."))
    white = np.asarray(view.photo.bgr.min(axis=2) > 250)
    if white[:: max(1, len(white) // SIDE_PX), :: max(1, len(white) // SIDE_PX)][core].mean() > BURNT:
        said.append(sentence("Parts of the skin are overexposed to white; their detail is lost."))
    if view.smile > SMILING:
        said.append(
            sentence(
                "The photo smiles; its folds were softened and its teeth are left out. A calm photo fits more faces."
            )
        )
    return said


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
        (-_SHOWN_TURNED_DEG, "turned to the left"),
        (0.0, "swapped, eyes and mouth open"),
        (_SHOWN_TURNED_DEG, "turned to the right"),
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


def show_face(photos: Sequence[str], output: Path | None) -> Path:
    """Write the picture of what was understood of one person's photos, and say what they should know as warnings.

    Args:
        photos: as `--face` takes them, or the name of a face of the library.
        output: the picture to write; by default it lies in the current folder and is named after the first photo.

    Returns:
        The picture's path.

    Raises:
        PhotoError: there is no such photo, or it shows no face.
        SinkError: the picture cannot be written.
        UsageError: it would overwrite a photo.
    """
    kept = library_photos(photos[0], can_ask=True) if len(photos) == 1 else None
    addresses = [_address(text) for text in photos] if kept is None else []
    path = Path(f"{addresses[0].path.stem if addresses else photos[0]}-understood.png") if output is None else output
    check_picture_name(path)
    check_spares([address.path for address in addresses], path)
    source_photos = kept or tuple(read_source_photo(address) for address in addresses)
    seen = [(seen_face(source_photo), source_photo.address.path.name) for source_photo in source_photos]
    ranked = best_first(seen)
    source, names = SourceFace(tuple(view for _, view, _ in ranked)), [name for _, _, name in ranked]
    side_px = side_for(source)
    views = [understand(view, side_px) for view in source.views]
    for (quality, photo, name), view in zip(ranked, views, strict=True):
        found = remarks(view, photo)
        _LOG.info(quality.told(name))
        if len(quality.helps) > 1:
            _LOG.info("%s: what would help: %s.", name, ", ".join(quality.helps))
        for remark in found:
            _LOG.warning("%s: %s", name, remark)
        if not found:
            _LOG.info("%s: a good photo, nothing had to be mended.", name)
    if len(ranked) > 1:
        _LOG.info("The best of %d photos is %s.", len(ranked), names[0])
    sheet = face_sheet(source, views, names)
    write_picture(path, Picture(sheet, sheet))
    return path


def _address(text: str) -> PhotoAddress:
    """Find a photo; what looks like a person's name gets an answer of its own."""
    if not Path(text).suffix and "#" not in text and not named_path(text).exists():
        raise PhotoError(
            f"There is neither a face nor a photo {text!r}: 'mien faces list' names the faces of your library; a photo "
            "is the path of an image file."
        )
    return photo_address(text)
