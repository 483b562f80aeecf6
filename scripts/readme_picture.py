"""Makes the moving picture of the README: somebody whom nobody is, before and after, with one face after the other.

    uv run python scripts/readme_picture.py --wearer WEARER.jpg --faces FACE.jpg ...

The portraits have to be synthetic: they are published. What is shown on the right is what `mien swap` wrote, at its own
size and with its marks.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from mien_models.types import BgrU8, as_u8

SIDE_PX: Final = 400
FRAMES: Final = 16
"""For each face."""
FPS: Final = 12
INSET_PX: Final = 92
GAP_PX: Final = 8
GROUND_BGR: Final = (18, 14, 12)
QUALITY: Final = 72


def moved(portrait_bgr: BgrU8, turn: float) -> BgrU8:
    """Let somebody sway, nod and come nearer; a turn of 1 is where it began.

    Args:
        portrait_bgr: (h, w, 3).
        turn: 0..1, where in the movement.
    """
    height, width = portrait_bgr.shape[:2]
    angle = 2 * np.pi * turn
    scale = SIDE_PX / min(height, width) * (1.1 + 0.05 * np.sin(angle))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 4.5 * np.sin(angle), scale)
    matrix[:, 2] += SIDE_PX / 2 - np.array([width, height]) / 2
    matrix[:, 2] += (9 * np.sin(angle), 4 * np.sin(2 * angle))
    return as_u8(
        cv2.warpAffine(
            portrait_bgr, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
    )


def film(frames: list[BgrU8], path: Path) -> None:
    """Write frames as a film of small loss."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (SIDE_PX, SIDE_PX))
    for frame in frames:
        writer.write(frame)
    writer.release()


def swapped(film_path: Path, face: Path, output: Path) -> list[BgrU8]:
    """Let `mien swap` do it, and read what it wrote."""
    words = ["swap", "--face", str(face), "--consent", "synthetic", str(film_path), str(output)]
    subprocess.run([sys.executable, "-m", "mien", *words], check=True)
    capture = cv2.VideoCapture(str(output))
    found: list[BgrU8] = []
    while True:
        is_read, frame = capture.read()
        if not is_read:
            capture.release()
            return found
        found.append(as_u8(frame))


def side_by_side(before: BgrU8, after: BgrU8, face_bgr: BgrU8) -> BgrU8:
    """Put both beside each other, with the face that is worn in the corner between them."""
    made = np.full((SIDE_PX, 2 * SIDE_PX + GAP_PX, 3), GROUND_BGR, np.uint8)
    made[:, :SIDE_PX], made[:, SIDE_PX + GAP_PX :] = before, after
    top, left = SIDE_PX - INSET_PX - 14, SIDE_PX + GAP_PX + 14
    made[top - 3 : top + INSET_PX + 3, left - 3 : left + INSET_PX + 3] = 255
    made[top : top + INSET_PX, left : left + INSET_PX] = cv2.resize(
        face_bgr, (INSET_PX, INSET_PX), interpolation=cv2.INTER_AREA
    )
    return as_u8(made)


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wearer", type=Path, required=True)
    parser.add_argument("--faces", type=Path, nargs="+", required=True)
    default = Path(__file__).parent.parent / "docs" / "before-after.webp"
    parser.add_argument("--output", type=Path, default=default)
    given = parser.parse_args()
    before = [moved(_read(given.wearer), number / FRAMES) for number in range(FRAMES)]
    pictures: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as folder:
        film(before, Path(folder) / "wearer.avi")
        for number, face in enumerate(given.faces):
            after = swapped(Path(folder) / "wearer.avi", face, Path(folder) / f"{number}.mp4")
            face_bgr = _around_the_face(_read(face))
            for one, other in zip(before, after, strict=True):
                pictures.append(Image.fromarray(side_by_side(one, other, face_bgr)[:, :, ::-1]))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    first, *others = pictures
    first.save(
        given.output,
        save_all=True,
        append_images=others,
        duration=round(1000 / FPS),
        loop=0,
        quality=QUALITY,
        method=4,
    )
    print(f"{given.output}: {len(pictures)} pictures, {given.output.stat().st_size / 1e6:.1f} MB")


def _around_the_face(portrait_bgr: BgrU8) -> BgrU8:
    height, width = portrait_bgr.shape[:2]
    side = round(min(height, width) * 0.62)
    left, top = (width - side) // 2, round(height * 0.08)
    return as_u8(portrait_bgr[top : top + side, left : left + side])


def _read(path: Path) -> BgrU8:
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path} is no picture")
    return as_u8(picture)


if __name__ == "__main__":
    main()
