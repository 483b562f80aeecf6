"""What a wearer's bare face looks like, learned as it is seen, and what in a frame is unlike it."""

from dataclasses import dataclass
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.occlusion.hair import hair_share
from mien.occlusion.look import CHANNELS, SIDE_PX, look_of, zones
from mien_models.arrays import as_f32, as_u8
from mien_models.mesh.unwrap import Unwrapped

KNOWN_AFTER_S: Final = 0.3
"""A texel is believed to be known once it was seen bare for so long."""
SETTLING_S: Final = 3.0
"""Time constant with which the bare face is kept up to date: beards do not grow, but light changes."""
RELEARNED_S: Final = 60.0
"""The same where something seems to be in front: a hand may rest on a cheek for long, a mistake must end."""
SKIN_RELEARNED_S: Final = 1.5
"""The same where that is skin and like the face's other half: something went that was taken for the face."""
CLIPPED: Final = 250
"""A level from here on says nothing of a colour."""
TOLERANCE: Final = (0.14, 0.07, 0.07, 0.10)
"""What a look may be off in each channel without being odd, in logarithms: 0.1 is a tenth brighter."""
USUAL_TIMES: Final = 2.5
"""Differences that this texel usually has widen its tolerance by so many times their mean."""
SUSPECT: Final = 1.1
"""Oddness, in tolerances, from which a texel may belong to something in front..."""
CERTAIN: Final = 2.2
"""...and from which it makes the suspects around it belong to it."""
FEWEST_TEXELS: Final = 14
"""Smaller things, two fingertips of a texel's width, are folds and shadows."""
LIGHT_SHARE: Final = 0.6
"""If more of the face is odd, its light changed or the picture was cut: no hand hides so much of a face still found."""
JUMP_SHARE: Final = 0.5
"""The same for what turns odd from one frame to the next."""
LIGHT_STEP: Final = 0.25
"""Light over the face is followed in passes of at most this, so that something dark in front is not taken for it."""
LIGHT_BLUR: Final = 9.0
"""Light is coarser than this, in texels (a standard deviation)."""
ATTACK_S: Final = 0.03
RELEASE_S: Final = 0.2
"""Time constants with which a mask comes and goes: a late one paints skin on the hand, a restless one flickers."""


@dataclass(frozen=True, slots=True, eq=False)
class _Odd:
    """What is unlike the bare face now."""

    excess: NDArray[np.float32]
    """(n, n, CHANNELS) how far a look is beyond what the bare face shows around a texel."""
    hidden: NDArray[np.bool_]
    """(n, n) the texels of what is in front."""
    share: float
    """0..1 how much of the known face that is."""


class BareFace:
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
        self._share = 0.0
        self._looks = 0

    def hidden(self, flat: Unwrapped, captured_ns: int) -> NDArray[np.float32]:
        """Look at the face: (SIDE_PX, SIDE_PX) 0..1, how surely something is in front of each texel.

        Args:
            flat: the face on an atlas of SIDE_PX.
            captured_ns: when it was seen.
        """
        elapsed_s = min(max(captured_ns - self.seen_ns, 0) / 1e9, 0.1)
        self.seen_ns = captured_ns
        look = look_of(flat.bgr)
        seen = as_f32(np.clip((flat.seen - 0.2) * 4, 0, 1)) * (flat.bgr.max(axis=2) < CLIPPED)
        odd = self._odd(look, seen)
        if odd.share > LIGHT_SHARE or odd.share - self._share > JUMP_SHARE:
            self._known_s[:] = 0
            odd = _Odd(np.zeros_like(odd.excess), np.zeros_like(odd.hidden), 0.0)
        self._share = odd.share
        self._learn(look, seen, odd, elapsed_s)
        self._follow(odd.hidden, elapsed_s)
        self._looks += 1
        return as_f32(np.maximum(_spread(self._hidden), hair_share(self._slow)))

    def _odd(self, look: NDArray[np.float32], seen: NDArray[np.float32]) -> _Odd:
        """Compare with the bare face under the light of now."""
        if self._looks == 0:
            self._usual[:] = look
        trust = seen * zones().witness * np.clip(self._known_s / KNOWN_AFTER_S - 0.5, 0, 1)
        nothing = np.zeros_like(look)
        if trust.sum() < FEWEST_TEXELS:
            return _Odd(nothing, np.zeros(look.shape[:2], np.bool_), 0.0)
        look = look - _light(look - self._usual, as_f32(trust * (1.05 - self._hidden)))
        window = np.ones((3, 3), np.uint8)
        above = look - cv2.dilate(self._usual, window)
        below = cv2.erode(self._usual, window) - look
        excess = as_f32(np.maximum(np.maximum(above, below), 0))
        allowed = (np.array(TOLERANCE, np.float32) + USUAL_TIMES * self._off) * zones().tolerance[..., None]
        oddness = as_f32(np.sqrt(np.square(excess / allowed).sum(axis=2))) * 2
        oddness = as_f32(cv2.GaussianBlur(oddness * trust, (0, 0), 0.8))
        hidden = _things(oddness)
        return _Odd(excess, hidden, float((trust * hidden).sum() / trust.sum()))

    def _learn(self, look: NDArray[np.float32], seen: NDArray[np.float32], odd: _Odd, elapsed_s: float) -> None:
        """Take the look in where the face is bare."""
        near = as_u8(cv2.dilate(odd.hidden.astype(np.uint8), np.ones((7, 7), np.uint8))) > 0
        near |= self._hidden > 0.1
        step_s = max(elapsed_s, 1e-3)
        looked_s = seen * np.float32(step_s) + np.float32(1e-6)
        bare = np.maximum(looked_s / SETTLING_S, looked_s / (self._known_s + looked_s))
        returned = _like_a_face(look)
        frozen_s = np.where(returned, np.float32(SKIN_RELEARNED_S), np.float32(RELEARNED_S))
        share = np.where(near, seen * (step_s / frozen_s), bare).astype(np.float32)[..., None]
        self._usual += share * (look - self._usual)
        self._off += np.minimum(share, 0.2) * np.where(near[..., None], 0, odd.excess - self._off)
        self._known_s += seen * step_s * ~near
        slowly = 1.0 if self._looks == 0 else 1 - exp(-elapsed_s / 0.5)
        self._slow += seen[..., None] * np.float32(slowly) * (look - self._slow)

    def _follow(self, hidden: NDArray[np.bool_], elapsed_s: float) -> None:
        """Let the mask come fast and go slowly."""
        attack, release = (np.float32(1 - exp(-elapsed_s / time_s)) for time_s in (ATTACK_S, RELEASE_S))
        change = hidden - self._hidden
        self._hidden += np.where(change > 0, attack, release) * change


def _light(difference: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say which part of a difference of looks is light: one tint, and a brightness that changes softly."""
    light = np.zeros_like(difference)
    samples = difference[weight > 0.3 * weight.max()]
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


def _things(oddness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the connected suspects that are large enough and contain certainty."""
    suspects = as_u8((oddness > SUSPECT).astype(np.uint8))
    count, found, figures, _ = cv2.connectedComponentsWithStats(suspects, connectivity=8)
    labels = np.asarray(found, np.intp)
    certain = np.bincount(labels[oddness > CERTAIN], minlength=count)
    kept = (as_f32(figures)[:, cv2.CC_STAT_AREA] >= FEWEST_TEXELS) & (certain >= FEWEST_TEXELS // 3)
    kept[0] = False
    return kept[labels]


def _spread(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the eyes, the mouth and the outline, where no look says anything, the answer of their surroundings."""
    witness = zones().witness
    if hidden.max() < 0.05:
        return hidden
    closed = as_f32(cv2.morphologyEx(hidden, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))
    around = as_f32(cv2.GaussianBlur(closed * witness, (0, 0), 2.0)) / (
        as_f32(cv2.GaussianBlur(witness, (0, 0), 2.0)) + 1e-3
    )
    return as_f32(witness * closed + (1 - witness) * around)


def _like_a_face(look: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark texels of the skin's colour that look like their mirror images: a face, not a hand."""
    skin = np.median(look[zones().skin], axis=0)
    tint = np.abs(look[..., 1:3] - skin[1:3]).max(axis=2)
    mirrored = np.abs(look - look[:, ::-1])[..., 1:].max(axis=2)
    same = as_f32(cv2.blur(as_f32(mirrored), (5, 5)))
    return np.asarray((tint < 0.25) & (same < 0.09))
