"""What MediaPipe itself says of drawn hands: `golden_hands.py FILE.npz`; run with mediapipe 0.10.21 installed."""

import sys

import mediapipe
import numpy as np
from tests.drawn_hands import Pose, draw_hand

SIDE_PX = 192
"""That of the network's input, so that nobody's way of making pictures smaller counts."""
POSES = (
    Pose(roll_deg=-20),
    Pose(roll_deg=40, shows_back=True),
    Pose(roll_deg=100, turn_deg=20, splay_deg=(4, 1, -2, -5)),
)


def main() -> None:
    """Write what it says of every pose: the picture, and the joints when found and when followed."""
    found = {}
    for number, pose in enumerate(POSES):
        backdrop = np.full((SIDE_PX, SIDE_PX, 3), (90, 80, 70), np.uint8)
        bgr = draw_hand(backdrop, (96.0, 110.0), 48.0, pose).bgr
        found[f"{number}/bgr"] = bgr
        hands = mediapipe.solutions.hands.Hands(max_num_hands=1, model_complexity=0)
        for look in ("first", "followed"):
            (hand,) = hands.process(np.ascontiguousarray(bgr[..., ::-1])).multi_hand_landmarks
            found[f"{number}/{look}"] = np.array([(p.x, p.y, p.z) for p in hand.landmark], np.float32) * SIDE_PX
    np.savez_compressed(sys.argv[1], **found)


main()
