"""How a swap looks, on a clip: the composed frames, a few numbers that take no other network, and a sheet to look at.

The numbers are a quick look for while something is changed; none of them knows whether a face is a person's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from time import monotonic_ns
from typing import Final

import cv2
import numpy as np

from mien.diagnostics.bench.frame_metrics import FrameLook, contact_sheet, face_tile, jitter, look_at
from mien.media.formats import media_type
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Source, Stage
from mien.provenance.c2pa.sign import Signer
from mien_models.errors import MienError
from mien_models.interfaces import Landmarker
from mien_models.types import BgrU8, SourceFace

MOST_FRAMES: Final = 300
SHEET_FRAMES: Final = 8


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Means over the swapped frames of a clip; None where no frame was swapped."""

    frames: int
    cover_rate: float
    """Part of the frames that were swapped."""
    frame_ms: float | None
    """Median cost of a frame through all stages, in milliseconds, on this machine at this moment."""
    skin_dE: float | None  # noqa: N815 - CIE's name
    """Mean difference of the skin's colour from the target's, in CIE L*a*b*."""
    skin_dE_sector: float | None  # noqa: N815 - CIE's name
    """The same in the worst of eight sectors around the nose: light from the side."""
    ring_dE: float | None  # noqa: N815 - CIE's name
    """Step of colour across the mask's edge, beyond the target's own."""
    sharp_ratio: float | None
    """Fine detail of the face against the target's; 1 is as sharp."""
    lmjit_ratio: float | None
    """Trembling of the composed face's landmarks against the target's own."""
    bg_max: int
    """Largest change outside the crops' alpha, in 8-bit levels."""
    sheet: str = ""
    """Where the contact sheet is."""


def bench_quality(
    source: Source,
    stages: Sequence[Stage],
    source_photo: SourceFace,
    frames_dir: Path,
    *,
    landmarker: Landmarker,
    limit: int = MOST_FRAMES,
    progress: Callable[[int, int | None], None] = lambda _done, _all: None,
) -> QualityReport:
    """Swap a clip, write 000000.png ... before the marks, and measure them.

    Args:
        source: the clip, closed.
        stages: track, swap, colour and composite; no marks.
        source_photo: the source face, for the sheet.
        landmarker: looks at both pictures without any smoothing, to measure trembling.
        frames_dir: made if it is not there; it must hold no PNG yet.
        limit: frames at most; never more than MOST_FRAMES.
        progress: called after each frame with how many are done and how many there will be, if that is known.

    Raises:
        MienError: the folder cannot be used.
    """
    _empty_folder(frames_dir)
    # These pictures carry no mark, which would be measured too; the statement beside their pixels is not.
    signer = Signer()
    with source:
        total = min(limit, MOST_FRAMES, source.info.frame_count or MOST_FRAMES)
        run = _Run(landmarker, frames_apart=-(-total // SHEET_FRAMES))
        for done, captured in enumerate(islice(_frames(source), total), start=1):
            shown = run.add(captured, stages)
            _write(frames_dir / f"{done - 1:06d}.png", shown, signer if shown is not captured.image else None)
            progress(done, total)
    sheet = frames_dir.parent / f"{frames_dir.name}_sheet.jpg"
    if run.tiles:
        _write(sheet, contact_sheet(face_tile(source_photo.best.photo_bgr, source_photo.best.face), run.tiles), signer)
    return replace(run.summary(), sheet=str(sheet) if run.tiles else "")


class _Run:
    """Collects what is seen of a clip, frame after frame."""

    def __init__(self, landmarker: Landmarker, *, frames_apart: int) -> None:
        self.tiles: list[tuple[BgrU8, BgrU8]] = []
        self._landmarker = landmarker
        self._frames_apart = frames_apart
        self._looks: list[FrameLook] = []
        self._costs_ms: list[float] = []

    def add(self, captured: Frame, stages: Sequence[Stage]) -> BgrU8:
        """Swap a frame, look at it and give what is to be shown."""
        started_ns = monotonic_ns()
        frame = _through(stages, captured)
        self._costs_ms.append((monotonic_ns() - started_ns) / 1e6)
        shown = frame.image if frame.composed is None else frame.composed.before_marks()
        if frame.swapped:
            self._looks.append(look_at(frame, shown, self._landmarker))
            if len(self.tiles) * self._frames_apart < len(self._costs_ms):
                face = frame.chosen[0]
                self.tiles.append((face_tile(frame.image, face), face_tile(shown, face)))
        return shown

    def summary(self) -> QualityReport:
        """Give the means."""
        looks = self._looks
        return QualityReport(
            frames=len(self._costs_ms),
            cover_rate=round(len(looks) / max(len(self._costs_ms), 1), 4),
            frame_ms=round(float(np.median(self._costs_ms)), 2) if self._costs_ms else None,
            skin_dE=_mean([look.skin_de for look in looks]),
            skin_dE_sector=_mean([look.skin_de_sector for look in looks]),
            ring_dE=_mean([look.ring_de for look in looks]),
            sharp_ratio=_mean([look.sharp_ratio for look in looks]),
            lmjit_ratio=jitter(looks),
            bg_max=max((look.background_max for look in looks), default=0),
        )


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(finite)), 4) if finite else None


def _frames(source: Source) -> Iterator[Frame]:
    """Number the frames of a source."""
    for index in count():
        frame = source.read()
        if frame is None:
            return
        yield replace(frame, index=index)


def _through(stages: Sequence[Stage], frame: Frame) -> Frame:
    for stage in stages:
        frame = stage(frame)
    return frame


def _empty_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.png")):
        raise MienError(
            f"{str(folder)!r} should be empty and already holds PNG files; take another folder, so that old and new "
            "frames cannot be mixed."
        )


def _write(path: Path, image_bgr: BgrU8, signer: Signer | None) -> None:
    encoded, data = cv2.imencode(path.suffix, image_bgr)
    if not encoded:
        raise MienError(f"{path.name!r} could not be encoded.")
    content = data.tobytes()
    path.write_bytes(content if signer is None else signer.signed(content, media_type(path)))
