"""What a person should know of a photo before lending its face, in plain words."""

from typing import Final

import numpy as np

from mien_models.geometry.face_mesh import filled
from mien_models.geometry.face_regions import FACE_CORE, OVAL
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.multi_view import FlatView
from mien_models.types import Face

SMALL_PX: Final = 160
"""Narrower faces look soft on a larger one."""
TURNED_DEG: Final = 25.0
"""A head that is turned farther hides a cheek."""
PITCHED_DEG: Final = 25.0
UNEVEN: Final = 1.8
"""Ratio of the light on the brightest and the darkest tenth of the skin from which it is worth a word."""
CLOSED: Final = 0.12
"""An eye is closed whose lids are nearer than this, in parts of its width."""
HIDDEN: Final = 0.25
"""From this part of the face on it is worth saying that something covers it."""
BURNT: Final = 0.06
"""Part of the face's core whose pixels are white."""
SMILING: Final = 0.4
EYES: Final = ((33, 133, 159, 145), (263, 362, 386, 374))
"""Of each eye: its corners, the middles of its upper and lower lid."""


def remarks(view: FlatView, face: Face) -> tuple[str, ...]:
    """Say what is wrong with a photo, what was done about it, and what would help; nothing of a good photo."""
    return (*_of_the_pose(face), *_of_the_skin(view))


def _of_the_pose(face: Face) -> list[str]:
    said: list[str] = []
    if face.width_px < SMALL_PX:
        said.append(f"The face is {face.width_px:.0f} pixels wide and will look soft; 256 or more look good.")
    if abs(face.pose.yaw_deg) > TURNED_DEG:
        side = "right" if face.pose.yaw_deg > 0 else "left"
        said.append(
            f"The head is turned {abs(face.pose.yaw_deg):.0f} degrees to the {side}; the far cheek comes from "
            "another photo or is mirrored. A second photo that looks into the camera helps."
        )
    if abs(face.pose.pitch_deg) > PITCHED_DEG:
        where = "up" if face.pose.pitch_deg > 0 else "down"
        said.append(
            f"The head looks {where} by {abs(face.pose.pitch_deg):.0f} degrees; a level photo keeps more detail."
        )
    if any(_lids_apart(face, eye) < CLOSED for eye in EYES):
        said.append("An eye is closed or nearly so; your own eyes show, but its lids are those of this photo.")
    return said


def _of_the_skin(view: FlatView) -> list[str]:
    said: list[str] = []
    skin = view.skin
    if skin.glasses.any():
        said.append(
            "Glasses were found; their rims are painted over. A photo without them keeps the skin around the eyes."
        )
    if skin.light.contrast > UNEVEN:
        said.append(
            f"The light is uneven, {skin.light.contrast:.1f} times as strong on one part of the face as on another; "
            "it was evened out."
        )
    oval, core = (filled((contour,), SIDE_PX) > 0 for contour in (OVAL, FACE_CORE))
    covered = float((skin.hidden[oval] > 0).mean())
    if covered > HIDDEN:
        said.append(f"Hair or something else covers {covered:.0%} of the face's outline and sides; skin was put there.")
    if (skin.hidden[core] > 0).mean() > HIDDEN / 2:
        said.append("Something covers eyes, nose, cheeks or mouth; what lies below is guessed.")
    white = np.asarray(view.photo.bgr.min(axis=2) > 250)
    if white[:: max(1, len(white) // SIDE_PX), :: max(1, len(white) // SIDE_PX)][core].mean() > BURNT:
        said.append("Parts of the skin are overexposed to white; their detail is lost.")
    if view.smile > SMILING:
        said.append(
            "The photo smiles; its folds were softened and its teeth are left out. A calm photo fits more faces."
        )
    return said


def _lids_apart(face: Face, eye: tuple[int, int, int, int]) -> float:
    outer, inner, upper, lower = (face.landmarks[index] for index in eye)
    return float(np.linalg.norm(upper - lower) / max(float(np.linalg.norm(outer - inner)), 1e-6))
