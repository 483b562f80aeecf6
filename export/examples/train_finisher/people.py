"""The synthetic people that are learned from, with the landmarks that Mien's own networks place on them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.tracking.landmark_fit import default_networks
from mien.tracking.photo import find_faces
from mien_models.errors import MienError
from mien_models.types import BgrU8, PointsF32, as_u8

LEAST_SCORE: Final = 0.85
"""A face of which the landmark network is less sure is left out."""
FARTHEST_DEG: Final = 40.0
"""So is one that is turned farther: half of its right answer cannot be seen."""
NARROWEST_PX: Final = 95.0
GLASSES: Final = Path(__file__).parent / "glasses.json"
"""Who wears glasses, where faces.json is wrong."""
HELD_BACK: Final = 20
"""Every so many-th person is not trained on, so that what was learned can be tried on a stranger."""


class PeopleError(MienError):
    """A folder that nothing can be learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One picture of a synthetic face."""

    number: int
    """Of the picture's file."""
    path: Path
    landmarks: PointsF32
    """(468, 3) in pixels of the picture."""

    @property
    def is_held_back(self) -> bool:
        """Whether this person is for trying only."""
        return self.number % HELD_BACK == 0

    def picture(self) -> BgrU8:
        """Read it."""
        image = cv2.imread(str(self.path))
        if image is None:
            raise PeopleError(f"{str(self.path)!r} should be a picture and cannot be read.")
        return as_u8(image)


def people_of(media: Path, kept: Path, say: Callable[[str], None]) -> list[Person]:
    """Give everybody who can be learned from: bare faces that look roughly into the camera.

    Args:
        media: the folder of pictures with its `faces.json`.
        kept: a file for the landmarks; it is made at the first call, in a minute or two.
        say: told how far it is.

    Raises:
        PeopleError: the folder has no faces.json.
    """
    try:
        listed = json.loads((media / "faces.json").read_text())["faces"]
    except (OSError, ValueError, KeyError) as error:
        raise PeopleError(f"{str(media)!r} should hold the training faces and their faces.json; {error}.") from error
    seen = json.loads(GLASSES.read_text())
    wears = {entry["file"] for entry in listed if entry["glasses"]} - _files(seen["bare"]) | _files(seen["worn"])
    bare = {entry["file"] for entry in listed if not entry["covered"]} - wears
    if not kept.exists():
        _look(media, [entry["file"] for entry in listed], kept, say)
    with np.load(kept) as stored:
        rows = list(zip(*(stored[key] for key in ("names", "points", "score", "pose")), strict=True))
    return [
        Person(int(str(name)[:4]), media / str(name), points)
        for name, points, score, pose in rows
        if str(name) in bare
        and score >= LEAST_SCORE
        and abs(pose[0]) <= FARTHEST_DEG
        and np.ptp(points[:, 0]) >= NARROWEST_PX
    ]


def landmarks_of(media: Path, kept: Path, say: Callable[[str], None]) -> Iterator[tuple[str, PointsF32, float]]:
    """Give name, landmarks and their score of every picture on which a face was found."""
    if not kept.exists():
        _look(media, [entry["file"] for entry in json.loads((media / "faces.json").read_text())["faces"]], kept, say)
    with np.load(kept) as stored:
        for name, points, score in zip(*(stored[key] for key in ("names", "points", "score")), strict=True):
            yield str(name), points, float(score)


def _files(numbers: list[int]) -> set[str]:
    return {f"{number:04d}.jpg" for number in numbers}


def _look(media: Path, files: list[str], kept: Path, say: Callable[[str], None]) -> None:
    found: list[tuple[object, ...]] = []
    for done, row in enumerate(_found(media, files), start=1):
        found += [row] if row else []
        if done % 100 == 0:
            say(f"landmarks of {len(found)} faces in {done} of {len(files)} pictures")
    columns = [np.array(column) for column in zip(*found, strict=True)]
    unfinished = kept.with_suffix(".part.npz")
    names, points, score, pose = columns
    np.savez(unfinished, names=names, points=points, score=score, pose=pose)
    unfinished.replace(kept)


def _found(media: Path, names: list[str]) -> Iterator[tuple[str, PointsF32, float, tuple[float, float]] | None]:
    networks = default_networks(threads=1)
    for name in names:
        image = cv2.imread(str(media / name))
        faces = find_faces(as_u8(image), networks) if image is not None else ()
        yield (
            (name, faces[0].landmarks, faces[0].score, (faces[0].pose.yaw_deg, faces[0].pose.pitch_deg))
            if faces
            else None
        )
