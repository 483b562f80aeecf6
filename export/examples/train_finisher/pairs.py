"""Pairs to learn from: a face as Mien composes it, and as it should have been.

Photo and wearer are the same synthetic picture in other light, so that the right answer is known. Glasses are drawn on
the wearer: either a mask keeps them, and they belong to the answer, or nothing keeps them, and nothing of them may
remain. Strangers' photos worn have no answer; they show the critic what comes out, and what must stay as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import cv2
import numpy as np
from camera_faults import rephotographed, smooth_field
from numpy.random import Generator
from numpy.typing import NDArray
from people import Person
from spectacles import Worn, with_glasses
from wearers import as_another_wearer, in_front, jittered
from worn import Fitting, Lent, alpha_of, hidden_behind, lent, pasted, shrunk

from mien_models.geometry.finishing_crop import atlas_places, cut, placed_crop
from mien_models.types import AffineF64, BgrU8, PointsF32, as_f32, as_u8

FACE_PX: Final = 150.0
"""Faces are worked on at this width at most."""
AROUND: Final = 0.5
COARSE_PX: Final = 64
"""Places on the atlas and trust are smooth, and kept at this side."""
LIGHT_PX: Final = 8
"""The network sees the wearer's picture this coarse: light and tone, nobody's features."""
STRANGERS: Final = 40
"""So many other people's photos are kept ready to be worn."""


class Kind(IntEnum):
    """What a pair is for."""

    PLAIN = 0
    GLASSES_GO = 1
    """The wearer's glasses are cut through and should go."""
    GLASSES_STAY = 2
    """A mask keeps them."""
    STRANGER = 3
    """Another person's photo; `wanted` is the wearer, as an example of a real face."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One example, 8 bit."""

    composed: BgrU8
    """(128, 128, 3) what Mien composes."""
    wanted: BgrU8
    """(128, 128, 3) what it should be."""
    alpha: NDArray[np.uint8]
    """(128, 128) how much the swapped face covers."""
    light: BgrU8
    """(8, 8, 3) the wearer's frame, coarse."""
    atlas: NDArray[np.uint8]
    """(64, 64, 2) places on the atlas, 0 beside the mesh."""
    trust: NDArray[np.uint8]
    """(64, 64) how much of the face the photo really shows."""
    kind: NDArray[np.uint8]
    """() a `Kind`."""
    person: NDArray[np.int32]
    """() number of the wearer."""


NAMES: Final = tuple(field.name for field in fields(Pair))


class PairMaker:
    """Makes pairs of people; keeps a few strangers' photos ready."""

    def __init__(self, rng: Generator, people: Sequence[Person]) -> None:
        self._rng = rng
        self._people = people
        self._donors = [person.picture() for person in people[::40]]
        self._fitting = Fitting(rng)
        self._strangers: list[Lent] = []

    def pairs_of(self, person: Person, count: int) -> Iterator[Pair]:
        """Make pairs of one person with one photo."""
        self._meet_strangers()
        rng = self._rng
        image, landmarks = shrunk(person.picture(), person.landmarks, FACE_PX, AROUND)
        photo = self._photo(image, landmarks)
        for _ in range(count):
            clean = rephotographed(rng, image, strength=1.0, gently=bool(rng.random() < 0.5))
            yield self._pair(photo, clean, landmarks, person.number)

    def stranger_on(self, person: Person) -> Pair:
        """Let somebody wear another person's photo."""
        self._meet_strangers()
        rng = self._rng
        image, landmarks = shrunk(person.picture(), person.landmarks, FACE_PX, AROUND)
        clean = rephotographed(rng, image, strength=0.8, gently=False)
        frame = with_glasses(rng, clean, landmarks).image_bgr if rng.random() < 0.4 else clean
        at, photo = jittered(rng, landmarks, 0.006, 0.002), self._stranger()
        swapped = self._fitting.wear(photo, frame, at)
        full = alpha_of(swapped, frame.shape)
        return self._cropped(
            photo, (pasted(frame, swapped), clean, frame), full, at, kind=Kind.STRANGER, number=person.number
        )

    def _meet_strangers(self) -> None:
        if len(self._strangers) < STRANGERS or self._rng.random() < 0.05:
            other = self._people[int(self._rng.integers(len(self._people)))]
            image, landmarks = shrunk(other.picture(), other.landmarks, FACE_PX, AROUND)
            self._strangers = [self._photo(image, landmarks), *self._strangers[: STRANGERS - 1]]

    def _stranger(self) -> Lent:
        return self._strangers[self._rng.integers(len(self._strangers))]

    def _photo(self, image: BgrU8, landmarks: PointsF32) -> Lent:
        rng = self._rng
        photo = rephotographed(rng, image, strength=0.8, gently=True)
        has_glasses = bool(rng.random() < 0.3)
        if has_glasses:
            photo = with_glasses(rng, photo, landmarks).image_bgr
        if rng.random() < 0.2:  # a small photo
            photo, landmarks = shrunk(photo, landmarks, rng.uniform(0.5, 0.9) * float(np.ptp(landmarks[:, 0])), 9.0)
        return lent(rng, photo, jittered(rng, landmarks, 0.004, 0.001), has_glasses=has_glasses)

    def _pair(self, photo: Lent, clean: BgrU8, landmarks: PointsF32, number: int) -> Pair:
        rng = self._rng
        frame, wanted = as_another_wearer(rng, clean, landmarks)
        if rng.random() < 0.45:  # what is seen of a stranger who wears the photo must not be trusted
            frame = pasted(frame, self._fitting.wear(self._stranger(), frame, jittered(rng, landmarks, 0.006, 0.002)))
        kind = Kind(rng.choice([Kind.PLAIN, Kind.GLASSES_GO, Kind.GLASSES_STAY], p=[0.45, 0.33, 0.22]))
        glasses = None if kind is Kind.PLAIN else with_glasses(rng, frame, landmarks)
        frame = frame if glasses is None else glasses.image_bgr
        at = jittered(rng, landmarks, 0.003, 0.001)
        swapped = self._fitting.wear(photo, frame, at)
        if glasses is not None and kind is Kind.GLASSES_STAY:
            swapped = hidden_behind(swapped, self._found(glasses))
            wanted = _in_glasses(wanted, frame, glasses)
        if rng.random() < 0.2:
            mask, thing = in_front(rng, frame.shape, landmarks, self._donors)
            frame, wanted = (_over(picture, thing, mask) for picture in (frame, wanted))
            swapped = hidden_behind(swapped, as_f32(cv2.GaussianBlur(mask, (0, 0), 1.5)))
        full = alpha_of(swapped, frame.shape)
        return self._cropped(photo, (pasted(frame, swapped), wanted, frame), full, at, kind=kind, number=number)

    def _found(self, glasses: Worn) -> NDArray[np.float32]:
        """Say where a mask would see the rims: a little more, and now and then a piece is missed."""
        rng = self._rng
        grown = as_f32(cv2.dilate(glasses.rims, np.ones((3, 3), np.uint8))) if rng.random() < 0.7 else glasses.rims
        soft = as_f32(cv2.GaussianBlur(grown, (0, 0), rng.uniform(0.4, 1.0)))
        if rng.random() < 0.5:
            soft = as_f32(soft * np.clip(2.5 + 2.5 * smooth_field(rng, soft.shape, 7, 1.0), 0, 1))
        return as_f32(np.clip(1.3 * soft, 0, 1))

    def _cropped(
        self,
        photo: Lent,
        pictures: tuple[BgrU8, BgrU8, BgrU8],
        alpha: NDArray[np.uint8],
        at: PointsF32,
        *,
        kind: Kind,
        number: int,
    ) -> Pair:
        matrix = self._crop(at)
        composed, wanted, frame = (as_u8(cut(picture, matrix)) for picture in pictures)
        places = atlas_places(at, matrix, COARSE_PX)
        side_px = len(photo.trust)
        looked_up = cv2.remap(
            photo.trust, places[..., 0] * side_px - 0.5, places[..., 1] * side_px - 0.5, cv2.INTER_LINEAR
        )
        return Pair(
            composed, wanted, cut(alpha, matrix, border=cv2.BORDER_CONSTANT),
            as_u8(cv2.resize(frame, (LIGHT_PX, LIGHT_PX), interpolation=cv2.INTER_AREA)),
            _levels(places), _levels(as_f32(looked_up)), np.array(kind, np.uint8), np.array(number, np.int32),
        )  # fmt: skip

    def _crop(self, at: PointsF32) -> AffineF64:
        rng = self._rng
        eyes = at[263] - at[33]
        roll = float(np.arctan2(eyes[1], eyes[0])) + rng.normal(0, 0.08)
        return placed_crop(at, roll, (rng.normal(0, 0.012), rng.normal(0, 0.012)), float(np.exp(rng.normal(0, 0.05))))


def _in_glasses(wanted: BgrU8, frame: BgrU8, glasses: Worn) -> BgrU8:
    """Let the answer wear the frame's rims; what lies behind a lens stays the photo's."""
    return _over(wanted, frame, glasses.rims)


def _over(picture: BgrU8, above: BgrU8, mask: NDArray[np.float32]) -> BgrU8:
    share = mask[..., None]
    return np.clip(picture * (1 - share) + above * share + 0.5, 0, 255).astype(np.uint8)


def _levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
