"""Files that only their owner may read; `mien_models.private_files` writes them."""

from mien_models.private_files import write_private

__all__ = ["write_private"]
