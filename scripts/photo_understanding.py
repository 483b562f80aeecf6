"""Say how well Mien understands photos: `uv run scripts/photo_understanding.py MEDIA [--by-eye]`.

MEDIA is a folder of synthetic faces with its faces.json. Glasses and turned heads are known of all of them; beards,
hair over the face, lips that are apart and darkness of two hundred that were looked at by eye (photo_labels.json). The
glasses are not new to the network: `train_finisher glasses` says how it does on people whom it never saw.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.tracking.geometry import box_xyxy, head_pose
from mien.tracking.landmark_fit import default_networks
from mien.tracking.photo import find_faces
from mien.tracking.photo_quality import OPEN, PhotoQuality, judged
from mien_models.types import Face, FaceView, as_u8

HERE: Final = Path(__file__).resolve().parent
SEEN: Final = HERE.parent / "export/examples/train_finisher/glasses.json"
TURNED_DEG: Final = 25.0
OLD: Final = "age"
"""Themes with this in their name hold most of the wrinkles."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture, what is known of it and what was found."""

    number: int
    theme: str
    wears_glasses: bool
    yaw_deg: float
    found: PhotoQuality


def main() -> int:
    """Look at all of them and print a table."""
    parser = argparse.ArgumentParser(description="Say how well photos are understood.")
    parser.add_argument("media", type=Path)
    parser.add_argument("--limit", type=int, default=None, help="look at so many, spread over all")
    parser.add_argument("--by-eye", action="store_true", help="only those that were looked at by eye")
    parser.add_argument(
        "--landmarks", type=Path, default=None, help="the landmarks.npz that train_finisher keeps: faster"
    )
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    looked = list(_looked(wanted.media, wanted.landmarks, wanted.limit, by_eye=wanted.by_eye))
    labels = {
        key: set(value) for key, value in json.loads((HERE / "photo_labels.json").read_text()).items() if key != "about"
    }
    seen = {key: set(value) for key, value in json.loads(SEEN.read_text()).items() if key != "about"}
    by_eye = [one for one in looked if one.number in labels["looked_at"]]
    print(f"{len(looked)} faces, {len(by_eye)} of them looked at by eye")
    print(f"{'':34}{'recall':>8}{'precision':>11}{'false alarms':>14}{'cases':>7}")
    _row("glasses", looked, lambda one: one.wears_glasses, has_glasses)
    bare_or_thin = [one for one in looked if not one.wears_glasses or one.number in seen["thin"]]
    _row("  thin or rimless ones", bare_or_thin, lambda one: one.wears_glasses, has_glasses)
    _row("  on wrinkled faces", [one for one in looked if OLD in one.theme], lambda one: one.wears_glasses, has_glasses)
    wearers = [one for one in looked if one.wears_glasses]
    _row(
        "dark lenses, among glasses",
        wearers,
        lambda one: one.number in seen["dark"],
        lambda one: one.found.traits.glasses == "dark",
    )
    _row(
        f"turned by {TURNED_DEG:.0f} degrees",
        looked,
        lambda one: abs(one.yaw_deg) > TURNED_DEG,
        lambda one: abs(one.found.traits.yaw_deg) > TURNED_DEG,
    )
    bearded = [one for one in by_eye if one.number not in labels["unsure"]]
    _row("beard", bearded, lambda one: one.number in labels["beard"], lambda one: one.found.traits.has_beard)
    _row(
        "hair over the face",
        by_eye,
        lambda one: one.number in labels["hair_over_face"],
        lambda one: one.found.traits.covered > COVERED,
    )
    _row(
        "lips apart", by_eye, lambda one: one.number in labels["lips_apart"], lambda one: one.found.traits.mouth > OPEN
    )
    _row("dark", by_eye, lambda one: one.number in labels["dark"], lambda one: one.found.traits.brightness < DARK)
    scores = np.array([one.found.score for one in looked])
    low, middle, high = np.percentile(scores, [10, 50, 90])
    print(f"quality: median {middle:.0f}, a tenth below {low:.0f}, a tenth above {high:.0f}")
    return 0


COVERED: Final = 0.3
DARK: Final = 55.0


def _looked(media: Path, landmarks: Path | None, limit: int | None, *, by_eye: bool) -> Iterable[Looked]:
    listed = json.loads((media / "faces.json").read_text())["faces"]
    known = {} if landmarks is None else _known(landmarks)
    seen = {key: set(value) for key, value in json.loads(SEEN.read_text()).items() if key != "about"}
    networks = default_networks(threads=1)
    if by_eye:
        chosen = set(json.loads((HERE / "photo_labels.json").read_text())["looked_at"])
        listed = [entry for entry in listed if int(entry["file"][:4]) in chosen]
    step = 1 if limit is None else max(1, len(listed) // limit)
    for entry in listed[::step]:
        number, image = int(entry["file"][:4]), as_u8(np.asarray(cv2.imread(str(media / entry["file"]))))
        faces = find_faces(image, networks) if landmarks is None else known.get(entry["file"], ())
        if not faces or entry["covered"]:
            continue
        worn = (entry["glasses"] or number in seen["worn"]) and number not in seen["bare"]
        yield Looked(number, entry["theme"], worn, entry["yaw_deg"], judged(FaceView(image, faces[0])))
        if number % 100 == 0:
            sys.stderr.write(f"{entry['file']}\n")


def _known(landmarks: Path) -> dict[str, tuple[Face, ...]]:
    with np.load(landmarks) as stored:
        rows = zip(stored["names"], stored["points"], stored["score"], strict=True)
        return {
            str(name): (Face(0, box_xyxy(points), points, head_pose(points), float(score)),)
            for name, points, score in rows
        }


def has_glasses(one: Looked) -> bool:
    """Whether Mien says so."""
    return one.found.traits.glasses != "none"


def _row(
    name: str, looked: Iterable[Looked], is_so: Callable[[Looked], bool], is_said: Callable[[Looked], bool]
) -> None:
    answers = [(is_so(one), is_said(one)) for one in looked]
    hits = sum(so and said for so, said in answers)
    cases, said = sum(so for so, _ in answers), sum(said for _, said in answers)
    others = len(answers) - cases
    shares = (hits / max(cases, 1), hits / max(said, 1), (said - hits) / max(others, 1))
    print(f"{name:34}{shares[0]:8.3f}{shares[1]:11.3f}{shares[2]:14.3f}{cases:7}")


if __name__ == "__main__":
    raise SystemExit(main())
