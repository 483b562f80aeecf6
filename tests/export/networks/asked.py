"""Which variant a test says where a checkpoint's keys leave it open."""

from typing import Final

VARIANTS: Final = {"simswap": "224", "arcface": "insightface"}
"""By architecture, as `--variant` takes it."""
