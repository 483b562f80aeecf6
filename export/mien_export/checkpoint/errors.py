"""What is said of a file that holds no weights, or none that may be read."""

from mien_models.errors import MienError


class CheckpointError(MienError):
    """A file that holds no weights that can be read, and why."""
