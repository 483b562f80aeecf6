"""No mask: the face is drawn over everything."""

from typing import Final

from mien.stages.mask import FaceMask, MaskPlugin
from mien_models.types import BgrU8, Face


class NoMask:
    """Sees nothing in front of any face."""

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002 - the contract
        """Answer that nothing is there."""
        return None

    def forget(self, face_id: int) -> None:
        """Keep on knowing nothing."""


PLUGIN: Final = MaskPlugin(
    make=lambda _target: NoMask(),
    help="the face is drawn over everything",
)
