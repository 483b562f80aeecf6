"""Which of the 468 FaceMesh points outline what; contours are closed and in order around their region.

Indices are those of MediaPipe's face mesh (mediapipe 0.10.21, `face_mesh_connections.py`). "Left" and "right" are
as seen in the picture of a person who looks into the camera.
"""

from typing import Final

OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The outline of the whole mesh: forehead, cheeks, jaw, chin."""

LIPS_OUTER: Final = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
LIPS_INNER: Final = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
EYE_LEFT: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
EYE_RIGHT: Final = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
EYE_LIDS: Final = ((159, 145), (386, 374))
"""Of the eye on the left and of the other: the middle of the upper lid's edge, of the lower one's."""
BROW_LEFT: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_RIGHT: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
NOSTRILS: Final = (98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4, 45, 220, 115, 48, 64)
"""The tip of the nose with both nostrils, where skin is in deep shadow."""

FACE_CORE: Final = (
    70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300, 383, 372, 340, 352, 411, 427, 434, 430, 421, 200, 201, 210, 214,
    207, 187, 123, 111, 143, 156,
)  # fmt: skip
"""Brows, eyes, nose, inner cheeks and mouth: what makes a face known, and where no hair is expected."""
CHEEKS: Final = (
    (117, 118, 101, 36, 205, 187, 123),
    (346, 347, 330, 266, 425, 411, 352),
)
"""Two patches that are skin in nearly every photo, also behind glasses and above a beard."""
NOSE_BRIDGE: Final = (193, 168, 417, 351, 419, 248, 195, 3, 196, 122)
"""The ridge of the nose between the eyes, which the bridge of glasses crosses."""
GLASSES_BELOW_EYES: Final = (
    (228, 229, 230, 231, 232, 121, 47, 126, 100, 101, 50, 118, 117, 111),
    (448, 449, 450, 451, 452, 350, 277, 355, 329, 330, 280, 347, 346, 340),
)
"""The skin under the eyes down to the cheekbones, which the lower rims of glasses cross."""
BEARD: Final = (
    203, 98, 97, 2, 326, 327, 423, 426, 436, 432, 422, 424, 418, 262, 369, 396, 175, 171, 140, 32, 194, 204, 202, 212,
    216, 206,
)  # fmt: skip
"""Moustache, mouth and the front of the chin: where stubble darkens skin as a shadow would."""
