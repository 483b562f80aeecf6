"""Picture files: read whatever people have, write it back with nothing lost on the way."""

from mien.media.pictures.picture import Metadata, Picture
from mien.media.pictures.read import read_picture
from mien.media.pictures.write import PICTURE_SUFFIXES, check_picture_name, write_picture

__all__ = ["PICTURE_SUFFIXES", "Metadata", "Picture", "check_picture_name", "read_picture", "write_picture"]
