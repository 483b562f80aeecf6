"""Eyes of the photo, gaze of the wearer: drawn eyes, whose lids, irises and colours are known, say whether it is so."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mien.tracking.photo import find_faces
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT
from mien_models.library.builtin import load_eyes
from mien_models.networks.eyes import CORNERS, Eyes
from mien_models.swappers.mesh import PLUGIN
from mien_models.swappers.mesh.lids import LOWER, UPPER, with_lids
from mien_models.swappers.mesh.photo_eyes import photo_eyes
from mien_models.types import BgrU8, Face, SourceFace, SwapOptions, SwappedFace, as_u8

BLUE, BROWN = (190, 130, 80), (25, 45, 80)
FINER = 4
LARGER = 2


@dataclass(frozen=True)
class DrawnEyes:
    """Where irises were drawn: middles (2, 2) and radii."""

    middles: NDArray[np.float64]
    radius: float


def with_eyes(
    photo: BgrU8, face: Face, *, iris: tuple[int, int, int], opening: float = 1.0, gaze: float = 0.0
) -> tuple[BgrU8, DrawnEyes]:
    """Draw eyes over those of a photo.

    Args:
        photo: a face.
        face: where it is.
        iris: the irises' colour.
        opening: 0 closed, 1 wide open.
        gaze: how far the irises are to the right, in parts of an eye's width.
    """
    large = as_u8(cv2.resize(photo, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_CUBIC))
    middles: list[list[float]] = []
    radius = 0.0
    for (outer, inner), outline in zip(CORNERS, (EYE_LEFT, EYE_RIGHT), strict=True):
        a, b = sorted(((face.landmarks[n, :2] + 0.5) * FINER - 0.5 for n in (outer, inner)), key=lambda p: float(p[0]))
        wide, middle = float(b[0] - a[0]), (a + b) / 2
        skin = photo[tuple(np.round(face.landmarks[outline[4], :2] - (0, wide / FINER * 0.3)).astype(int)[::-1])]
        along = np.linspace(-1, 1, 41)
        bow = 1 - along**2
        across = middle[0] + along * wide / 2
        lower = middle[1] + (b[1] - a[1]) / 2 * along + bow * wide * 0.13
        upper = lower - bow * wide * 0.42 * opening
        lid = np.concatenate([
            np.stack([across, lower - bow * wide * 0.55], axis=1), np.stack([across, lower], axis=1)[::-1]
        ])  # fmt: skip
        cv2.fillPoly(large, [np.round(lid).astype(np.int32)], tuple(int(v) for v in skin), cv2.LINE_AA)
        ball = np.zeros(large.shape[:2], np.uint8)
        rim = np.concatenate([np.stack([across, upper], axis=1), np.stack([across, lower], axis=1)[::-1]])
        cv2.fillPoly(ball, [np.round(rim).astype(np.int32)], (255,))
        radius = 0.21 * wide
        at = (middle[0] + gaze * wide, middle[1] - 0.05 * wide)
        eye = np.full_like(large, (205, 205, 210))
        centre = (round(at[0]), round(at[1]))
        cv2.circle(eye, centre, round(radius), tuple(int(v * 0.6) for v in iris), -1, cv2.LINE_AA)
        cv2.circle(eye, centre, round(radius * 0.88), iris, -1, cv2.LINE_AA)
        cv2.circle(eye, centre, round(radius * 0.4), (8, 8, 8), -1, cv2.LINE_AA)
        large[ball > 0] = eye[ball > 0]
        line = np.round(np.stack([across, upper], axis=1)).astype(np.int32)
        cv2.polylines(large, [line], isClosed=False, color=(20, 22, 30), thickness=max(2, round(0.05 * wide)))
        middles.append([(float(v) + 0.5) / FINER - 0.5 for v in at])
    small = cv2.resize(large, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    return as_u8(small), DrawnEyes(np.array(middles), radius / FINER)


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    rgb = cast("NDArray[np.uint8]", astronaut())  # type: ignore[no-untyped-call]  # scikit-image is not annotated
    return as_u8(cv2.resize(rgb[..., ::-1], None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


@pytest.fixture(scope="module")
def network() -> Eyes:
    return load_eyes()


def lids_apart(landmarks: NDArray[np.float32]) -> float:
    """How far lids are apart in their middle, in parts of the eyes' width: the mean of both eyes."""
    heights = [abs(landmarks[up[0][3], 1] - landmarks[low[0][3], 1]) for up, low in zip(UPPER, LOWER, strict=True)]
    widths = [np.linalg.norm(landmarks[a] - landmarks[b]) for a, b in CORNERS]
    return float(np.mean(heights) / np.mean(widths))


@pytest.mark.parametrize("gaze", [-0.15, 0.0, 0.15])
def test_an_iris_is_found_where_it_looks(photo: BgrU8, face: Face, network: Eyes, gaze: float) -> None:
    picture, drawn = with_eyes(photo, face, iris=BROWN, gaze=gaze)
    for look, middle in zip(network.look(picture, face.landmarks), drawn.middles, strict=True):
        y, x = np.mgrid[: look.iris.shape[0], : look.iris.shape[1]]
        seen = np.array([(look.iris * x).sum(), (look.iris * y).sum()]) / look.iris.sum()
        there = look.frame_from_eye[:, :2] @ seen + look.frame_from_eye[:, 2]
        assert np.linalg.norm(there - middle) < 0.4 * drawn.radius


def test_lids_go_down_with_a_blink(photo: BgrU8, face: Face, network: Eyes) -> None:
    apart = [
        lids_apart(with_lids(face.landmarks, network.look(picture, face.landmarks)))
        for picture in (with_eyes(photo, face, iris=BROWN, opening=share)[0] for share in (1.0, 0.5, 0.0))
    ]
    assert apart[0] > 0.3
    assert 0.35 * apart[0] < apart[1] < 0.75 * apart[0]
    assert apart[2] < 0.2 * apart[0]


def worn(photo: BgrU8, picture: BgrU8, face: Face, *, photo_eyes: bool) -> SwappedFace:
    swapper = PLUGIN(SourceFace.of(photo, face), SwapOptions(shape=0.0, photo_eyes=photo_eyes))
    return swapper.swap(picture, face, captured_ns=0)


def beneath(picture: BgrU8, swapped: SwappedFace) -> BgrU8:
    """What shows where the face is open."""
    shown = picture.copy()
    for retouch in swapped.retouches:
        rows, columns = retouch.where.shape
        part = shown[retouch.top : retouch.top + rows, retouch.left : retouch.left + columns]
        part[retouch.where > 0] = retouch.bgr[retouch.where > 0]
    return shown


def iris_bgr(picture: BgrU8, drawn: DrawnEyes) -> NDArray[np.float64]:
    """The irises' mean colour, without pupil and edge, below the lid."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    colours: list[NDArray[np.float64]] = []
    for middle in drawn.middles:
        far = np.hypot(x - middle[0], y - middle[1]) / drawn.radius
        ring = (far > 0.5) & (far < 0.8) & (y > middle[1] - 0.3 * drawn.radius)
        colours.append(np.asarray(picture[ring].mean(axis=0), np.float64))
    return np.asarray(np.mean(colours, axis=0), np.float64)


@pytest.mark.parametrize(("own", "lent"), [(BROWN, BLUE), (BLUE, BROWN)])
def test_irises_take_the_photos_colour_and_look_where_the_wearer_looks(
    photo: BgrU8, face: Face, own: tuple[int, int, int], lent: tuple[int, int, int]
) -> None:
    lender, _ = with_eyes(photo, face, iris=lent)
    picture, drawn = with_eyes(photo, face, iris=own, gaze=0.12)
    before, after, wished = (
        iris_bgr(shown, drawn)
        for shown in (
            picture,
            beneath(picture, worn(lender, picture, face, photo_eyes=True)),
            with_eyes(photo, face, iris=lent, gaze=0.12)[0],
        )
    )
    assert np.linalg.norm(after - wished) < 0.3 * np.linalg.norm(before - wished)
    assert not worn(lender, picture, face, photo_eyes=False).retouches


def test_a_glint_stays_in_the_eye(photo: BgrU8, face: Face) -> None:
    lender, _ = with_eyes(photo, face, iris=BLUE)
    picture, drawn = with_eyes(photo, face, iris=BROWN)
    x, y = (round(v - 0.3 * drawn.radius) for v in drawn.middles[0].tolist())
    picture[y : y + 2, x : x + 2] = 255
    shown = beneath(picture, worn(lender, picture, face, photo_eyes=True))
    assert shown[y : y + 2, x : x + 2].min() > 235


def test_a_closed_eye_is_covered_by_the_photos_lid(photo: BgrU8, face: Face) -> None:
    lender, _ = with_eyes(photo, face, iris=BLUE)
    opened, closed = (
        worn(lender, with_eyes(photo, face, iris=BROWN, opening=share)[0], face, photo_eyes=True)
        for share in (1.0, 0.0)
    )
    assert not closed.retouches
    holes = []
    for swapped in (opened, closed):
        left, top = (int(v) for v in swapped.frame_from_crop[:, 2])
        hole = np.zeros(photo.shape[:2])
        hole[top : top + swapped.alpha.shape[0], left : left + swapped.alpha.shape[1]] = 1 - swapped.alpha / 255
        low, high = (face.landmarks[[33, 133], :2].min(axis=0) - 4, face.landmarks[[33, 133], :2].max(axis=0) + 4)
        holes.append(hole[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])].sum())
    assert holes[1] < 0.45 * holes[0]


def behind_dark_lenses(photo: BgrU8, face: Face) -> BgrU8:
    shown, wide = photo.copy(), 0.0
    for outer, inner in CORNERS:
        a, b = face.landmarks[outer, :2], face.landmarks[inner, :2]
        centre, wide = (a + b) / 2, float(np.linalg.norm(a - b))
        axes = (round(0.95 * wide), round(0.8 * wide))
        cv2.ellipse(shown, (round(centre[0]), round(centre[1])), axes, 0, 0, 360, (18, 16, 15), -1, cv2.LINE_AA)
    bridge = [(round(float(x)), round(float(y))) for x, y in face.landmarks[[133, 362], :2]]
    cv2.line(shown, bridge[0], bridge[1], (18, 16, 15), max(2, round(0.12 * wide)), cv2.LINE_AA)
    return shown


def test_a_photo_with_closed_eyes_or_dark_glasses_lends_none(photo: BgrU8, face: Face) -> None:
    closed, _ = with_eyes(photo, face, iris=BLUE, opening=0.0)
    assert photo_eyes(SourceFace.of(with_eyes(photo, face, iris=BLUE)[0], face)) is not None
    for hidden in (closed, behind_dark_lenses(photo, face)):
        assert photo_eyes(SourceFace.of(hidden, face)) is None
        assert not worn(hidden, photo, face, photo_eyes=True).retouches
