"""No mask: the face is drawn over everything."""

from pathlib import Path
from typing import Final

from mien.stages.mask import FaceMask, MaskFactory, MaskMethod, refuse_network
from mien_models.types import BgrU8, Face


class NoMask:
    """Sees nothing in front of any face."""

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002 - the contract
        """Answer that nothing is there."""
        return None

    def forget(self, face_id: int) -> None:
        """Keep on knowing nothing."""


def no_mask(network: Path | None) -> MaskMethod:
    """Make it."""
    refuse_network("none", network)
    return NoMask()


PLUGIN: Final[MaskFactory] = no_mask
