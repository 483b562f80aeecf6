"""Faces are cut out as the projects do whose networks take them; `golden/ORIGIN.md` says where the numbers are from."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest

from mien.stages.composite import Paster
from mien.tracking.geometry import box_xyxy, head_pose
from mien_models.architectures import arcface, dfm, ghost, inswapper, mobilefaceswap, simswap
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.networks.embedding import as_seen
from mien_models.specs.network import UNIT_PIXELS, CutSpec, EmbedSpec, PictureSpec
from mien_models.specs.templates import FACE_TYPES, Extent
from mien_models.types import BgrU8, Face, SwappedFace, as_u8

GOLDEN: Final = np.load(Path(__file__).parent / "golden" / "crops.npz")
IMAGE: Final[BgrU8] = as_u8(GOLDEN["blocks"].repeat(8, axis=0).repeat(8, axis=1))
STEP: Final = 17
"""Of each crop every so many pixels are in the file."""
LEVELS: Final = 2


def seen_by(seen: CutSpec | None) -> PictureSpec:
    own = EmbedSpec("identity", "arcface", arcface.picture(UNIT_PIXELS), "input", "output", 512)
    return as_seen(own, seen).picture


def live(extent: Extent) -> PictureSpec:
    return replace(dfm.crop(224), extent=extent)


FACEFUSIONS: Final = {
    "hyperswap": "arcface_128",
    "hififace": "mtcnn_512",
    "uniface": "ffhq_512",
    "simswap_256": simswap.FACEFUSIONS,
}
PICTURES: Final[dict[str, PictureSpec]] = {
    "simswap_224": simswap.crop(224),
    "simswap_512": simswap.crop(512),
    "simswap_224_identity": seen_by(simswap.own_identity(224).seen),
    "simswap_512_identity": seen_by(simswap.own_identity(512).seen),
    "ghost": ghost.crop(256),
    "ghost_identity": seen_by(ghost.own_identity().seen),
    "inswapper_128": inswapper.crop(128),
    "reswapper_256": inswapper.crop(256),
    "arcface": seen_by(None),
    "mobilefaceswap": mobilefaceswap.crop(224),
    **{name: PictureSpec(template, 256, *UNIT_PIXELS) for name, template in FACEFUSIONS.items()},
}
NEAR: Final[dict[str, PictureSpec]] = {
    "dfm_whole_face": dfm.crop(224),
    "dfm_head": live(FACE_TYPES["head"]),
    "dfm_full": live(FACE_TYPES["full"]),
    "dfm_own": live(Extent(2.5, -0.2)),
}
"""Aligned by the mesh's resting points, which Mien chooses by where they lie and the original by a list."""


def faces() -> list[Face]:
    heads = GOLDEN["heads"].astype(np.float32) / 8
    return [Face(number, box_xyxy(one), one, head_pose(one), 1.0) for number, one in enumerate(heads)]


def test_every_way_of_the_file_is_held_against_ours() -> None:
    assert {name.partition("/")[0] for name in GOLDEN.files} - {"blocks", "heads", "paste"} == {*PICTURES, *NEAR}


@pytest.mark.parametrize("name", PICTURES)
def test_a_crop_is_the_originals(name: str) -> None:
    worst = 0
    for face in faces():
        crop_bgr, _ = AlignedInput(PICTURES[name]).crop_of(IMAGE, face)
        difference = np.abs(crop_bgr[::STEP, ::STEP].astype(int) - GOLDEN[f"{name}/crops"][face.id])
        worst = max(worst, int(difference.max()))
    assert worst <= LEVELS


@pytest.mark.parametrize("name", PICTURES)
def test_it_lies_where_the_original_puts_it(name: str) -> None:
    corners = np.array([(0, 0), (1, 0), (0, 1)], np.float64)
    for face in faces():
        spec = PICTURES[name]
        _, ours = AlignedInput(spec).crop_of(IMAGE, face)
        theirs: np.ndarray[Any, Any] = GOLDEN[f"{name}/matrices"][face.id]
        cut_px = spec.cut_px or spec.size_px
        for corner in corners:
            there = cv2.invertAffineTransform(theirs) @ (*(corner * (cut_px - 1)), 1)
            # The same part of the picture, whatever side it has: half a pixel is the middle of one.
            at = (ours @ (*there, 1) + 0.5) / spec.size_px - (corner * (cut_px - 1) + 0.5) / cut_px
            allowed_px = {"corners": 1.0, "nearest": 1.0}.get(spec.resize, 0.02)
            assert np.abs(at).max() * spec.size_px <= allowed_px


@pytest.mark.parametrize("name", NEAR)
def test_a_dfm_sees_nearly_what_the_original_shows_it_however_the_head_is_turned(name: str) -> None:
    for face in faces():
        _, ours = AlignedInput(NEAR[name]).crop_of(IMAGE, face)
        theirs: np.ndarray[Any, Any] = GOLDEN[f"{name}/matrices"][face.id]
        scale = np.sqrt(abs(np.linalg.det(ours[:, :2]) / np.linalg.det(theirs[:, :2])))
        middle = cv2.invertAffineTransform(theirs) @ (111.5, 111.5, 1)
        away_px = float(np.linalg.norm(ours @ (*middle, 1) - 111.5))
        turn_deg = np.degrees(np.arctan2(ours[1, 0], ours[0, 0]) - np.arctan2(theirs[1, 0], theirs[0, 0]))
        assert abs(scale - 1) < 0.03
        assert abs(turn_deg) < 2
        assert away_px < 3


def test_heads_that_turn_away_are_cut_out_in_other_poses() -> None:
    matrices = [AlignedInput(simswap.crop(224)).crop_of(IMAGE, face)[1] for face in faces()[:5]]
    frontal = [
        AlignedInput(PictureSpec("arcface_112_v1", 224, *UNIT_PIXELS)).crop_of(IMAGE, face)[1] for face in faces()[:5]
    ]
    is_frontal = [bool(np.allclose(one, other)) for one, other in zip(matrices, frontal, strict=True)]
    assert is_frontal in ([False, False, True, False, False], [False, True, True, True, False])


@pytest.mark.parametrize("number", [2, 6])
def test_a_crop_is_pasted_as_facefusion_pastes_it(number: int) -> None:
    matrix, mask = GOLDEN[f"paste/{number}/matrix"], GOLDEN[f"paste/{number}/mask"]
    crop_bgr = np.ascontiguousarray(IMAGE[8:136, 144:16:-1])
    composed = IMAGE.copy()
    Paster().paste(composed, SwappedFace(0, crop_bgr, mask, np.asarray(cv2.invertAffineTransform(matrix), np.float64)))
    difference = np.abs(composed[::5, ::5].astype(int) - GOLDEN[f"paste/{number}/result"])
    touched = (GOLDEN[f"paste/{number}/result"] != IMAGE[::5, ::5]).any(axis=2)
    assert difference[touched].mean() <= 1
    assert difference.max() <= 5
