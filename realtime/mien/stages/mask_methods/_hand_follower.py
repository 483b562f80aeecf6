"""Hands near one face: searched when something moves there, followed by their joints until they leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.mask_methods._hand_outline import draw_hand, palm_px
from mien_models.geometry.crop import Region, cut_patch
from mien_models.networks.hands import Hands, region_of
from mien_models.types import BgrU8, Face, MaskU8, PointsF32, as_f32, as_u8

MOST: Final = 2
VIEWS: Final = ((3.0, 0.25), (2.2, 0.5))
"""Squares in which palms are searched, in sizes of the face, and how far below its middle, in its widths.

Palms that fill too much of a picture are not found, and small ones neither. On a clip with hands before a face, 26 of
28 frames taken alone showed the hand in the first of them and 27 in the second; 8 of 28 at twice the first's size.
"""
BEGIN: Final = 0.8
"""A hand is believed from this presence on; faces without a hand hardly reach it..."""
GO_ON: Final = 0.4
"""...and followed down to this one."""
LOOKS: Final = 3
"""A new hand is looked at so many times, each time in the square that the last look gives: the first one is rough."""
PALM_OF_FACE: Final = (0.36, 1.3)
"""A palm is so long, in widths of the face, and rather 0.5; smaller ones are others' in the background, or none."""
SLACK: Final = 1.5
"""One that is followed may be so many times smaller or larger than that."""
BESIDE: Final = 0.6
"""Hands are followed up to so far from the face, in its widths: those may be before it in the next frame."""
PAUSE_S: Final = 0.06
"""After a search that found nothing, however much moves..."""
ANOTHER_S: Final = 0.4
"""...and while one hand is followed already."""
RESTING_S: Final = 3.0
"""Where nothing moves, one look so often: a hand that was there from the start may have been missed."""
GLANCE_PX: Final = 24
SAMPLES_PX: Final = 96
"""What moves is seen in so many cells each way, each the mean of so many samples in all."""
MOVED: Final = 14.0
"""Something came into a cell that is so many levels beyond all that it and its neighbours showed..."""
FEWEST_CELLS: Final = 2
"""...and is larger than a cell if so many show it. A head that moves shows hardly any: of 232
frames with much of that 3 %, of those in which a hand came all."""
LOOK_PX: Final = 32
SAME: Final = 9.0
HELD_S: Final = 1.5
"""A hand that is not seen any more stays for so long where its place still looks the same within so many levels."""
STILL: Final = 0.05
STEADIED: Final = 0.4
"""Joints that move less than this part of the palm a frame move by no less than this part of their way: noise."""


@dataclass(slots=True, eq=False)
class _Hand:
    """One that is followed."""

    joints: PointsF32
    look: NDArray[np.float32]
    """(LOOK_PX, LOOK_PX) what its square showed when it was seen last."""
    seen_ns: int
    moved: NDArray[np.float32] = field(default_factory=lambda: np.zeros(3, np.float32))
    """(3,) how far it went in the last frame; it goes on so in the next, or a fast one would be lost."""


class HandFollower:
    """Keeps the hands near one face; one thread at a time calls it, with frames in order."""

    def __init__(self, networks: Hands) -> None:
        self._networks = networks
        self._hands: list[_Hand] = []
        self._glance: NDArray[np.float32] | None = None
        """What the surroundings looked like when palms were searched last."""
        self._searched_ns = 0
        self._is_unsure = False
        """Whether the last search found what may be a hand, but was not believed."""
        self._seen = 0
        """How many hands were seen in the frame before."""
        self._view = 0

    def hands(self, frame_bgr: BgrU8, face: Face, captured_ns: int) -> Sequence[PointsF32]:
        """Give the joints, (21, 3) in pixels of the frame, of every hand near the face."""
        followed, self._hands = self._hands, []
        for hand in followed:
            if self._goes_on(hand, frame_bgr, face, captured_ns) and not self._same(hand):
                self._hands.append(hand)
        seen = sum(hand.seen_ns == captured_ns for hand in self._hands)
        glance = _glance(frame_bgr, face)
        if seen < MOST and self._is_due(glance, captured_ns, seen):
            is_sudden = self._glance is None or seen < self._seen
            self._glance, self._searched_ns = glance, captured_ns
            self._is_unsure = self._search(frame_bgr, face, captured_ns, len(VIEWS) if is_sudden else 1)
        self._seen = sum(hand.seen_ns == captured_ns for hand in self._hands)
        return [hand.joints for hand in self._hands]

    def _goes_on(self, hand: _Hand, frame_bgr: BgrU8, face: Face, captured_ns: int) -> bool:
        """Look for a hand where it was; one that is not seen stays only where its place still looks the same."""
        joints, presence = self._networks.joints(frame_bgr, region_of(hand.joints + hand.moved))
        if presence >= GO_ON and _is_near(joints, face, SLACK):
            moved = np.hypot(*(joints - hand.joints)[:, :2].T) / (STILL * max(palm_px(joints), 1.0))
            share = np.clip(moved, STEADIED, 1)[:, None]
            hand.moved = as_f32((joints - hand.joints).mean(axis=0))
            hand.joints = as_f32(hand.joints + (joints - hand.joints) * share)
            hand.look, hand.seen_ns = _look(frame_bgr, hand.joints), captured_ns
            return True
        if presence >= GO_ON or not 0 <= captured_ns - hand.seen_ns <= HELD_S * 1e9:
            return False
        change = np.abs(_look(frame_bgr, hand.joints) - hand.look)[_covered(hand.joints) > 0]
        return bool(change.size) and float(change.mean()) < SAME

    def _is_due(self, glance: NDArray[np.float32], captured_ns: int, seen: int) -> bool:
        waited_s = (captured_ns - self._searched_ns) / 1e9
        if self._glance is None or seen < self._seen or waited_s > RESTING_S:
            return True
        is_held = len(self._hands) > seen
        if waited_s > ANOTHER_S and self._is_unsure:
            return True
        return waited_s > (ANOTHER_S if seen else PAUSE_S) and (is_held or _has_come(self._glance, glance))

    def _search(self, frame_bgr: BgrU8, face: Face, captured_ns: int, views: int) -> bool:
        """Search palms in so many squares, until one shows a hand; else another one comes first next time.

        Says whether something was seen that may be a hand, but is not believed to be one.
        """
        is_unsure = False
        for _ in range(views):
            around, below = VIEWS[self._view]
            found = [
                (joints, presence)
                for joints, presence in self._found(frame_bgr, _square(face, around, below))
                if presence >= GO_ON and _is_near(joints, face)
            ]
            sure = [joints for joints, presence in found if presence >= BEGIN]
            for joints in sure:
                self._take(_Hand(joints, _look(frame_bgr, joints), captured_ns))
            if sure:
                return False
            is_unsure |= bool(found)
            self._view = (self._view + 1) % len(VIEWS)
        return is_unsure

    def _found(self, frame_bgr: BgrU8, view: Region) -> Iterator[tuple[PointsF32, float]]:
        for palm in self._networks.find(frame_bgr, view)[:MOST]:
            region = palm
            joints, presence = self._networks.joints(frame_bgr, region)
            for _ in range(LOOKS - 1):
                if presence < GO_ON:
                    break
                region = region_of(joints)
                joints, presence = self._networks.joints(frame_bgr, region)
            yield joints, presence

    def _take(self, new: _Hand) -> None:
        """Add a hand, or put it in the place of one that is the same or was not seen in this frame."""
        same = self._same(new)
        if any(hand.seen_ns == new.seen_ns for hand in same):
            return
        self._hands = [hand for hand in self._hands if hand not in same]
        if len(self._hands) >= MOST:
            self._hands.remove(min(self._hands, key=lambda hand: hand.seen_ns))
        self._hands.append(new)

    def _same(self, new: _Hand) -> list[_Hand]:
        return [hand for hand in self._hands if _are_one(hand.joints, new.joints)]


def _square(face: Face, around: float, below: float) -> Region:
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
    side_px = around * max(right - left, bottom - top)
    return Region(((left + right) / 2, (top + bottom) / 2 + below * face.width_px), side_px)


def _is_near(joints: PointsF32, face: Face, slack: float = 1.0) -> bool:
    """Tell a hand that may cover the face from one that is elsewhere, or that is too small or large for its person."""
    palm = palm_px(joints) / max(face.width_px, 1.0)
    reach = BESIDE * face.width_px
    first, last = joints[:, :2].min(axis=0), joints[:, :2].max(axis=0)
    touches = bool((last > face.box_xyxy[:2] - reach).all() and (first < face.box_xyxy[2:] + reach).all())
    return touches and PALM_OF_FACE[0] / slack < palm < PALM_OF_FACE[1] * slack


def _are_one(hand: PointsF32, other: PointsF32) -> bool:
    return bool(np.hypot(*(hand - other)[:, :2].mean(axis=0)) < 0.5 * max(palm_px(hand), palm_px(other)))


def _glance(frame_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
    """See the surroundings of a face from afar: (GLANCE_PX, GLANCE_PX, 3) levels; 0.1 ms."""
    view = _square(face, *VIEWS[0])
    step = view.side_px / SAMPLES_PX
    (x, y), half = view.centre_xy, view.side_px / 2
    at = np.array([[step, 0, x - half], [0, step, y - half]])
    sampled = cv2.warpAffine(frame_bgr, at, (SAMPLES_PX, SAMPLES_PX), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return as_f32(cv2.resize(as_f32(sampled), (GLANCE_PX, GLANCE_PX), interpolation=cv2.INTER_AREA))


def _has_come(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Tell what is new near a face from what only moved by up to a cell."""
    around = np.ones((3, 3), np.uint8)
    beyond = np.maximum(now - as_f32(cv2.dilate(before, around)), as_f32(cv2.erode(before, around)) - now)
    return int(np.count_nonzero(beyond.max(axis=2) > MOVED)) >= FEWEST_CELLS


def _upright(joints: PointsF32) -> Region:
    region = region_of(joints)
    return Region(region.centre_xy, region.side_px)


def _look(frame_bgr: BgrU8, joints: PointsF32) -> NDArray[np.float32]:
    patch = cut_patch(frame_bgr, _upright(joints), LOOK_PX, border=cv2.BORDER_REPLICATE)
    return as_f32(cv2.cvtColor(patch.image_bgr, cv2.COLOR_BGR2GRAY))


def _covered(joints: PointsF32) -> MaskU8:
    region = _upright(joints)
    scale = LOOK_PX / region.side_px
    places = (joints[:, :2] - np.array(region.centre_xy, np.float32)) * scale + LOOK_PX / 2
    return as_u8(draw_hand(LOOK_PX, as_f32(places), palm_px(joints) * scale))
