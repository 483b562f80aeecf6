"""Score clips and pictures with the content gate's network: `uv run scripts/gate_trials.py FILE...`; prints a table."""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import av
import cv2
import numpy as np

from mien.stages.content_gate import LIMIT, open_look
from mien_models.types import BgrU8, as_u8

EVERY_S: Final = 0.5


def pictures(path: Path) -> Iterator[BgrU8]:
    """Give a picture, as it is and mirrored, or two frames of every second of a film."""
    image = cv2.imread(str(path))
    if image is not None and path.suffix.lower() != ".gif":
        yield from (as_u8(image), as_u8(np.ascontiguousarray(image[:, ::-1])))
        return
    next_s = 0.0
    with av.open(str(path)) as source:
        for frame in source.decode(video=0):
            if (frame.time or 0.0) >= next_s:
                next_s = (frame.time or 0.0) + EVERY_S
                yield as_u8(frame.to_ndarray(format="bgr24"))


def main(names: list[str]) -> int:
    """Print a line for each file and how many looks were over the limit; the status says whether any was."""
    look = open_look()
    alarms = 0
    print("| file | looks | median | highest |\n|---|---|---|---|")
    for path in map(Path, names):
        scores = [look(picture) for picture in pictures(path)]
        alarms += sum(score >= LIMIT for score in scores)
        print(f"| {path.name} | {len(scores)} | {median(scores):.3f} | {max(scores):.3f} |", flush=True)
    print(f"\n{alarms} looks were at or over {LIMIT}.")
    return int(alarms > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
