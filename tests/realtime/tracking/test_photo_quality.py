"""How good a photo is: every fault costs something and is named, and the best photo goes first."""

from dataclasses import replace
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mien.tracking.photo import best_first, find_faces
from mien.tracking.photo_quality import PhotoTraits, judged, quality_of
from mien_models.types import BgrU8, FaceView, as_u8

GOOD = PhotoTraits(
    width_px=300.0, yaw_deg=2.0, pitch_deg=-3.0, glasses="none", has_beard=False, covered=0.1, core_covered=0.0,
    mouth=0.05, smile=0.1, brightness=130.0, burnt=0.0, light_contrast=1.3, relief=0.15, shows_eyes=True,
)  # fmt: skip


def portrait() -> BgrU8:
    rgb = cast("NDArray[np.uint8]", astronaut())  # type: ignore[no-untyped-call]  # scikit-image is not annotated
    return as_u8(cv2.resize(rgb[0:256, 96:352, ::-1], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def view_of(photo: BgrU8) -> FaceView:
    return FaceView(photo, find_faces(photo)[0])


def test_a_photo_without_fault_gets_full_marks_and_no_advice() -> None:
    quality = quality_of(GOOD)
    assert quality.score == 100
    assert quality.helps == ()
    assert quality.told("a.jpg") == "a.jpg: quality 100 of 100."


@pytest.mark.parametrize(
    ("fault", "helps"),
    [
        ({"width_px": 70.0}, "a larger photo"),
        ({"yaw_deg": -40.0}, "a photo that looks into the camera"),
        ({"pitch_deg": 35.0}, "a photo at the height of the eyes"),
        ({"glasses": "clear"}, "a photo without glasses"),
        ({"glasses": "dark"}, "a photo without glasses"),
        ({"covered": 0.6}, "hair that is combed back"),
        ({"core_covered": 0.3}, "a face that nothing covers"),
        ({"mouth": 0.6}, "a closed mouth"),
        ({"smile": 1.0}, "a calm face"),
        ({"brightness": 25.0}, "more light"),
        ({"burnt": 0.3}, "less light"),
        ({"light_contrast": 4.0}, "light from the front"),
        ({"relief": 0.32}, "softer light"),
        ({"shows_eyes": False}, "eyes that are open and well seen"),
    ],
)
def test_every_fault_costs_marks_and_what_helps_is_told(fault: dict[str, object], helps: str) -> None:
    quality = quality_of(replace(GOOD, **fault))  # type: ignore[arg-type]  # each is of its field's type
    assert quality.score < 95
    assert quality.helps == (helps,)


def test_two_faults_cost_more_than_either_and_the_worse_is_told_first() -> None:
    turned, worn = replace(GOOD, yaw_deg=45.0), replace(GOOD, glasses="clear")
    both = quality_of(replace(GOOD, yaw_deg=45.0, glasses="clear"))
    assert both.score < min(quality_of(turned).score, quality_of(worn).score)
    assert both.helps[0] == "a photo that looks into the camera"


def test_of_a_sharp_and_a_tiny_photo_the_sharp_one_is_best_whatever_the_order() -> None:
    photo = portrait()
    tiny = as_u8(cv2.resize(photo, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))
    views = [(view_of(tiny), "tiny"), (view_of(photo), "sharp")]
    ranked = best_first(views)
    assert [name for _, _, name in ranked] == ["sharp", "tiny"]
    assert ranked[0][0].score > ranked[1][0].score + 5


def test_a_photo_in_the_dark_needs_more_light() -> None:
    photo = portrait()
    dim = as_u8(photo * np.float32(0.12))
    assert "more light" in judged(view_of(dim)).helps
    assert "more light" not in judged(view_of(photo)).helps


def test_skin_with_hard_stripes_of_light_and_shadow_needs_softer_light() -> None:
    photo = portrait()
    plain = judged(view_of(photo))
    across = np.arange(photo.shape[1], dtype=np.float32)
    stripes = np.where(np.sin(across / 9) > 0, np.float32(1.0), np.float32(0.35))[None, :, None]
    striped = judged(FaceView(as_u8(photo * stripes), view_of(photo).face))
    assert "softer light" not in plain.helps
    assert "softer light" in striped.helps
    assert striped.score < plain.score - 10
