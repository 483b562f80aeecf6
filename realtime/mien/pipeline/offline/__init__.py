"""`mien swap`: every frame of a picture or video in order, nothing dropped, everything else in the file kept."""

from mien.pipeline.offline.summary import OfflineResult
from mien.pipeline.offline.swap import is_picture, swap_file

__all__ = ["OfflineResult", "is_picture", "swap_file"]
