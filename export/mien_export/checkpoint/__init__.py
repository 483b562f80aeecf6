"""Trained weights out of whatever file they were saved in, without running anything that stands in it."""

from mien_export.checkpoint.errors import CheckpointError
from mien_export.checkpoint.reading import Checkpoint, read_checkpoint

__all__ = ["Checkpoint", "CheckpointError", "read_checkpoint"]
