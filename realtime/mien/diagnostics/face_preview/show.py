"""From photos to the picture and the words."""

import logging
from collections.abc import Sequence
from pathlib import Path

from mien.config.paths import named_path
from mien.diagnostics.face_preview.remarks import remarks
from mien.diagnostics.face_preview.sheet import face_sheet
from mien.media.pictures import Picture, check_picture_name, write_picture
from mien.session.source_faces import library_photos
from mien.tracking.photo import PhotoAddress, best_first, photo_address, read_source_photo, seen_face
from mien_models.errors import PhotoError
from mien_models.swappers.mesh.multi_view import understand
from mien_models.swappers.mesh.texture import side_for
from mien_models.system.atomic_write import check_spares
from mien_models.types import SourceFace

_LOG = logging.getLogger(__name__)


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
        found = remarks(view, photo.face)
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
