"""What the user's bare face looks like, learned as it is seen, and what in a frame is unlike it."""

from dataclasses import dataclass
from math import exp
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.mask_methods._features import BRIGHT, CHANNELS, SIDE_PX, STRUCTURE, hair_share, look_of, zones
from mien_models.geometry.face_mesh import Unwrapped
from mien_models.types import as_f32, as_u8

KNOWN_AFTER_S: Final = 0.3
"""A texel is believed to be known once it was seen bare for so long."""
SETTLING_S: Final = 3.0
"""Time constant with which the bare face is kept up to date: beards do not grow, but light changes."""
RELEARNED_S: Final = 60.0
"""The same where something seems to be in front: a hand may rest on a cheek for long, a mistake must end."""
SKIN_RELEARNED_S: Final = 5.0
"""The same where that is skin and like the face's other half: something went that was taken for the face."""
CLIPPED: Final = 250
"""A level from here on says nothing of a colour."""
TOLERANCE: Final = (0.14, 0.07, 0.07, 0.10)
"""What a look may be off in each channel without being odd, in logarithms: 0.1 is a tenth brighter."""
DIM: Final = 3.0
IN_THE_DARK: Final = 0.12
"""Where the face is as dark as the first (12 levels), its tolerance is wider by the second, and quickly less above.

There, a stronger light adds something else than elsewhere.
"""
SLACK: Final = 0.2
"""Landmarks may be off by this part of two texels."""
USUAL_TIMES: Final = 2.5
"""Differences that this texel usually has widen its tolerance by so many times their mean."""
SUSPECT: Final = 0.36
"""Oddness, in tolerances, from which a texel may belong to something in front..."""
CERTAIN: Final = 1.0
"""...and from which it makes the suspects around it belong to it."""
SLIGHT: Final = 0.2
REACH_TEXELS: Final = 3
"""So little oddness, at most so far from a thing, belongs to it, too: a hand is partly of the face's own colour."""
STAYING: Final = 0.6
"""What was in front a moment ago counts as odder by this part: a mask that comes and goes is worse than either."""
OF_ODDEST: Final = 0.45
"""What is this part as odd as the oddest is surely of the thing; its colours are the thing's."""
SURROUNDING: Final = 0.75
"""How surely the rest of a thing is in front of the face; the picture decides."""
FEWEST_TEXELS: Final = 10
"""Smaller things, less than a fingertip, are folds and shadows."""
NOTHING_SHARE: Final = 0.02
PATIENCE: Final = 5.0
"""While more than that share of the face is hidden, the rest is learned so many times more slowly.

Part of a thing in front may look like the face.
"""
LIGHT_SHARE: Final = 0.6
"""If more of the face is odd, its light changed or the picture was cut: no hand hides so much of a face still found."""
JUMP_SHARE: Final = 0.5
"""The same for what turns odd from one frame to the next."""
LIGHT_STEP: Final = 0.25
"""Light over the face is followed in passes of at most this, so that something dark in front is not taken for it."""
LIGHT_BLUR: Final = 9.0
"""Light is coarser than this, in texels (a standard deviation)."""
HAIR_EVERY: Final = 4
"""Hair is searched in one frame of so many; it changes slowly."""
HAIR_SETTLING_S: Final = 0.5
"""Time constant of the look in which hair is searched."""
ALIKE_LIMIT: Final = 0.12
"""What gets brighter or darker like its mirror image is an expression, up to this, in logarithms."""
STRUCTURE_BLUR: Final = 3.0
"""What is off by this blur of the surroundings is structure, in texels..."""
STRUCTURE_LIMIT: Final = 0.2
"""...as far as it is not off by more, in logarithms."""
ATTACK_S: Final = 0.03
RELEASE_S: Final = 0.12
"""Time constants with which a mask comes and goes: a late one paints skin on the hand, a restless one flickers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Odd:
    """What is unlike the bare face now."""

    excess: NDArray[np.float32]
    """(n, n, CHANNELS) how far a look is beyond what the bare face shows around a texel."""
    oddness: NDArray[np.float32]
    """(n, n) the same in tolerances, all channels together, softened."""
    hidden: NDArray[np.float32]
    """(n, n) 1 in the texels of what is in front, SURROUNDING in those that may be."""
    share: float
    """0..1 how much of the known face that is."""


class BackgroundModel:
    """Learns one face, texel for texel on its atlas; forgets nothing by itself."""

    def __init__(self, captured_ns: int) -> None:
        self.seen_ns = captured_ns
        """When it was last looked at."""
        self._usual = np.zeros((SIDE_PX, SIDE_PX, CHANNELS), np.float32)
        """The bare face's mean look."""
        self._off = np.zeros((SIDE_PX, SIDE_PX, CHANNELS), np.float32)
        """How far it usually is off that."""
        self._known_s = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        """How long each texel was seen bare."""
        self._slow = np.zeros((SIDE_PX, SIDE_PX, CHANNELS), np.float32)
        """The mean look of everything, bare or not."""
        self._hidden = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        self._hair = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        self._share = 0.0
        self._looks = 0

    def hidden(self, flat: Unwrapped, captured_ns: int, bare: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Look at the face: (SIDE_PX, SIDE_PX) 0..1, how surely something is in front of each texel.

        Args:
            flat: the face on an atlas of SIDE_PX.
            captured_ns: when it was seen.
            bare: 0..1 which of its texels may be learned; None for all.
        """
        elapsed_s = min(max(captured_ns - self.seen_ns, 0) / 1e9, 0.1)
        self.seen_ns = captured_ns
        look = look_of(flat.bgr)
        seen = as_f32(np.clip((flat.seen - 0.35) * 3, 0, 1)) * (_largest(flat.bgr) < CLIPPED)
        odd = self._odd(look, seen)
        if odd.share > LIGHT_SHARE or odd.share - self._share > JUMP_SHARE:
            self._known_s[:] = 0
            odd = _Odd(np.zeros_like(odd.excess), np.zeros_like(odd.oddness), np.zeros_like(odd.hidden), 0.0)
        self._share = odd.share
        self._learn(look, seen if bare is None else seen * bare, odd, elapsed_s)
        self._follow(odd.hidden, elapsed_s)
        if self._looks % HAIR_EVERY == 0:
            self._hair = hair_share(self._slow)
        self._looks += 1
        return as_f32(np.maximum(_spread(self._hidden), self._hair))

    def _odd(self, look: NDArray[np.float32], seen: NDArray[np.float32]) -> _Odd:
        """Compare with the bare face under the light of now."""
        if self._looks == 0:
            self._usual[:] = self._slow[:] = look
        trust = seen * zones().evidence * np.clip(self._known_s / KNOWN_AFTER_S - 0.5, 0, 1)
        nothing = np.zeros_like(look)
        if trust.sum() < FEWEST_TEXELS:
            return _Odd(nothing, nothing[..., 0], nothing[..., 0], 0.0)
        look = look - _light(look - self._usual, as_f32(trust * (1.05 - self._hidden)))
        window = np.ones((3, 3), np.uint8)
        steepness = cv2.subtract(cv2.dilate(self._usual, window), cv2.erode(self._usual, window))
        off = look - self._usual
        slack = as_f32(SLACK * as_f32(steepness))
        off[..., BRIGHT] -= _alike(off[..., BRIGHT])
        excess = as_f32(np.maximum(np.abs(off) - slack, 0))
        excess[..., STRUCTURE] = _structure(off[..., BRIGHT], slack[..., BRIGHT])
        dim = IN_THE_DARK * as_f32(cv2.exp(2 * (DIM - self._usual[..., BRIGHT])))[..., None]
        allowed = (np.array(TOLERANCE, np.float32) + dim + USUAL_TIMES * self._off) * zones().tolerance[..., None]
        relative = as_f32(cv2.divide(excess, allowed))
        oddness = as_f32(cv2.sqrt(cv2.transform(cv2.multiply(relative, relative), np.ones((1, CHANNELS)))))
        oddness = as_f32(cv2.GaussianBlur(oddness * trust, (0, 0), 0.8))
        things = _things(as_f32(oddness * (1 + STAYING * self._hidden)))
        return _Odd(excess, oddness, _grown(things, oddness), float((trust * things).sum() / trust.sum()))

    def _learn(self, look: NDArray[np.float32], seen: NDArray[np.float32], odd: _Odd, elapsed_s: float) -> None:
        """Take the look in where the face is bare."""
        near = as_f32(cv2.dilate(odd.hidden, np.ones((7, 7), np.uint8))) > 0
        near |= self._hidden > 0.1
        step_s = max(elapsed_s, 1e-3)
        looked_s = seen * np.float32(step_s) + np.float32(1e-6)
        settling_s = SETTLING_S if odd.share < NOTHING_SHARE else SETTLING_S * PATIENCE
        background = np.maximum(looked_s / settling_s, looked_s / (self._known_s + looked_s))
        background *= np.clip(1.5 - odd.oddness / SUSPECT, 0, 1)
        share = background[..., None]
        if near.any():
            frozen_s = np.where(_like_a_face(look), np.float32(SKIN_RELEARNED_S), np.float32(RELEARNED_S))
            share = as_f32(np.where(near, seen * (step_s / frozen_s), background))[..., None]
        self._usual += share * (look - self._usual)
        self._off += np.minimum(share, 0.2) * np.where(near[..., None], 0, odd.excess - self._off)
        self._known_s += seen * step_s * ~near
        slowly = 1 - exp(-elapsed_s / HAIR_SETTLING_S)
        self._slow += seen[..., None] * np.float32(slowly) * (look - self._slow)

    def _follow(self, hidden: NDArray[np.float32], elapsed_s: float) -> None:
        """Let the mask come fast and go slowly."""
        attack, release = (np.float32(1 - exp(-elapsed_s / time_s)) for time_s in (ATTACK_S, RELEASE_S))
        change = hidden - self._hidden
        self._hidden += np.where(change > 0, attack, release) * change


def _light(difference: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say which part of a difference of looks is light: one tint, and a brightness that changes softly."""
    light = np.zeros_like(difference)
    samples = difference[weight > 0.3 * weight.max()][::3]
    middle = as_f32(np.asarray(np.median(samples, axis=0), np.float32))
    light[..., :3] = middle[:3]
    rest = as_f32(difference[..., 0] - middle[0])
    spread = as_f32(cv2.GaussianBlur(weight, (0, 0), LIGHT_BLUR)) + 1e-3
    for _ in range(2):
        clipped = np.asarray(np.clip(rest, -LIGHT_STEP, LIGHT_STEP), np.float32)
        soft = as_f32(cv2.GaussianBlur(clipped * weight, (0, 0), LIGHT_BLUR)) / spread
        light[..., 0] += soft
        rest = rest - soft
    return light


def _alike(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the part of a change of brightness that the face's other half shares: cheeks that rise, brows that frown."""
    window = np.ones((5, 5), np.uint8)
    mirrored = np.ascontiguousarray(brightness[:, ::-1])
    brighter = np.clip(cv2.dilate(mirrored, window), 0, ALIKE_LIMIT)
    darker = np.clip(cv2.erode(mirrored, window), -ALIKE_LIMIT, 0)
    return as_f32(np.clip(brightness, darker, brighter))


def _structure(difference: NDArray[np.float32], slack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say how far a brightness is off what is around it.

    Limited first, or something dark would make its surroundings odd.
    """
    beyond = difference - np.clip(difference, -slack, slack)
    limited = as_f32(np.clip(beyond, -STRUCTURE_LIMIT, STRUCTURE_LIMIT))
    return as_f32(cv2.absdiff(limited, as_f32(cv2.GaussianBlur(limited, (0, 0), STRUCTURE_BLUR))))


def _things(oddness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the connected suspects that are large enough and contain certainty."""
    suspects = as_u8((oddness > SUSPECT).astype(np.uint8))
    count, found, figures, _ = cv2.connectedComponentsWithStats(suspects, connectivity=8)
    labels = np.asarray(found, np.intp)
    certain = np.bincount(labels[oddness > CERTAIN], minlength=count)
    kept = (as_f32(figures)[:, cv2.CC_STAT_AREA] >= FEWEST_TEXELS) & (certain >= FEWEST_TEXELS // 3)
    kept[0] = False
    return kept[labels]


def _grown(things: NDArray[np.bool_], oddness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add what is slightly odd around things: 1 where they are oddest, SURROUNDING elsewhere."""
    if not things.any():
        return things.astype(np.float32)
    reach = 2 * REACH_TEXELS + 1
    near = as_u8(cv2.dilate(things.astype(np.uint8), np.ones((reach, reach), np.uint8))) > 0
    oddest = things & (oddness > max(CERTAIN, OF_ODDEST * float(oddness[things].max())))
    around = things | (near & (oddness > SLIGHT))
    return np.where(oddest, 1, np.where(around, SURROUNDING, 0)).astype(np.float32)


def _spread(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the eyes, the mouth and the outline, where no look says anything, the answer of their surroundings."""
    evidence = zones().evidence
    if hidden.max() < 0.05:
        return hidden
    closed = as_f32(cv2.morphologyEx(hidden, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))
    around = as_f32(cv2.GaussianBlur(closed * evidence, (0, 0), 2.0)) / (
        as_f32(cv2.GaussianBlur(evidence, (0, 0), 2.0)) + 1e-3
    )
    return as_f32(evidence * closed + (1 - evidence) * around)


def _like_a_face(look: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark texels of the skin's colour that look like their mirror images: a face, not a hand."""
    skin = np.median(look[zones().skin], axis=0)
    tint = _largest(np.abs(look[..., 1:3] - skin[1:3]))
    mirrored = _largest(np.abs(look - look[:, ::-1])[..., 1:3])
    same = as_f32(cv2.blur(as_f32(mirrored), (5, 5)))
    return np.asarray((tint < 0.25) & (same < 0.06))


def _largest(values: NDArray[Any]) -> NDArray[np.float32]:
    """Give the largest of each texel's numbers; numpy's own maximum is slow along so short an axis."""
    largest = values[..., 0]
    for channel in range(1, values.shape[2]):
        largest = np.maximum(largest, values[..., channel])
    return as_f32(largest)
