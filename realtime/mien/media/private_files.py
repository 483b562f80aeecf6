"""Files that only their owner may read; `mien_models.system.private_files` writes them."""

from mien_models.system.private_files import write_private

__all__ = ["write_private"]
