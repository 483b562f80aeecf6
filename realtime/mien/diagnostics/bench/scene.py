"""The scene that is measured: one face of 380 px in 720p that moves a little, the same on every machine."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo, source_face_from
from mien_models.types import BgrU8, SourceFace, as_u8

WIDTH: Final = 1280
HEIGHT: Final = 720
FACE_PX: Final = 380
_FRAMES: Final = 16
_SWAY_PX: Final = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is measured on."""

    source: SourceFace
    """The source face."""
    frames: tuple[BgrU8, ...]
    """(720, 1280, 3) each; the last one leads on to the first."""


def make_scene() -> Scene:
    """Enlarge the public-domain portrait until its face is 380 px wide, and let it sway.

    Raises:
        PhotoError: the portrait is missing.
    """
    source_photo = read_source_photo(photo_address(str(public_domain_photo())))
    source = source_face_from([source_photo])
    face = source.best.face
    scale = FACE_PX / face.width_px
    centre = (face.box_xyxy[:2] + face.box_xyxy[2:]) / 2
    return Scene(source, tuple(_frame(source_photo.photo_bgr, scale, centre, turn) for turn in range(_FRAMES)))


def _frame(photo_bgr: BgrU8, scale: float, centre: np.ndarray, turn: int) -> BgrU8:
    phase = 2 * np.pi * turn / _FRAMES
    x = WIDTH / 2 + _SWAY_PX * np.sin(phase) - scale * centre[0]
    y = HEIGHT / 2 + _SWAY_PX / 2 * np.cos(phase) - scale * centre[1]
    frame_from_photo = np.array([[scale, 0, x], [0, scale, y]], np.float64)
    frame = cv2.warpAffine(
        photo_bgr, frame_from_photo, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return as_u8(frame)
