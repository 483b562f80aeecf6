"""Looks at a photo that was sent: is there a face, is it good, what was understood. A program of its own.

`python -m mien.panel.understanding PHOTO SHEET THUMBNAIL` writes two JPEG files and prints JSON: a picture that
somebody made may take long or end the process, and the stream must not feel it.
"""

import sys
from pathlib import Path
from typing import Final

import cv2

from mien.diagnostics.face_preview import face_sheet, remarks
from mien.media.letterbox import square_around
from mien.panel.aside import ANSWER, FAULT, step_back
from mien.tracking.photo import PhotoAddress, find_faces, read_source_photo, seen_face
from mien_models.errors import PhotoError
from mien_models.swappers.mesh.multi_view import understand
from mien_models.swappers.mesh.texture import side_for
from mien_models.system.crash.child import answer
from mien_models.system.sentence import Sentence, sentence
from mien_models.types import BgrU8, Face, SourceFace

THUMB_PX: Final = 256
_AROUND: Final = 1.55
_LARGEST_PX: Final = 2400
"""Longer photos are worked on at this size here; the session takes them as they are."""


def look(photo: Path, sheet: Path, thumb: Path) -> dict[str, object]:
    """Write what was understood of the largest face, and a picture of it; say what there is to know.

    Raises:
        PhotoError: it cannot be read or shows no face.
    """
    step_back()
    try:
        source = read_source_photo(PhotoAddress(photo))
        view = seen_face(source)
    except PhotoError as error:
        raise PhotoError(_without_its_name(str(error), photo)) from error
    _write(thumb, face_thumb(view.photo_bgr, view.face))
    one = SourceFace((view,))
    flat = understand(view, side_for(one))
    _write(sheet, face_sheet(one, (flat,), ("your photo",)))
    return {
        "faces": len(find_faces(source.photo_bgr)),
        "width_px": round(view.face.width_px),
        "remarks": list(remarks(flat, view)),
    }


def face_thumb(photo_bgr: BgrU8, face: Face, side_px: int = THUMB_PX) -> BgrU8:
    """Cut a face out as a square picture, (side, side, 3)."""
    return square_around(photo_bgr, face.box_xyxy, side_px, room=_AROUND)


def _without_its_name(text: str, photo: Path) -> str:
    """Say it of the photo, which the user knows by its picture and not by the name that it got here."""
    if isinstance(text, Sentence) and "photo" in text.fields:
        return sentence(text.template, **{**text.fields, "photo": sentence("the photo")})
    return text.replace(repr(str(photo)), "the photo").replace(photo.name, "the photo")


def _write(path: Path, image_bgr: BgrU8) -> None:
    done, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])
    if not done:
        raise PhotoError("The picture of the photo could not be made. Take another photo.")
    path.write_bytes(data.tobytes())
    path.chmod(0o600)


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:4]]
    sys.stdout.write(ANSWER + answer(lambda: look(*given), fault=FAULT, doing="The photo could not be looked at"))
