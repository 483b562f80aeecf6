"""`mien bench quality`: what it writes and what its numbers answer to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.diagnostics.bench.quality import QualityReport, bench_quality
from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import SourceRequest, Stage
from mien.sources.backends.images import PLUGIN as IMAGES
from mien.stages.composite import CompositeStage
from mien.tracking.photo import find_faces, public_domain_photo
from mien_models.errors import MienError
from mien_models.library.builtin import load_landmarker
from mien_models.types import BgrU8, SourceFace, SwappedFace, as_u8


class Paints:
    """Finds the face once and lays a flat tint over it, by hand."""

    name = "paints"

    def __init__(self, source_photo: SourceFace, tint: int) -> None:
        self._face, self._tint = source_photo.best.face, tint

    def __call__(self, frame: Frame) -> Frame:
        left, top, right, bottom = (int(v) for v in self._face.box_xyxy)
        crop = np.clip(frame.image[top:bottom, left:right].astype(int) + self._tint, 0, 255).astype(np.uint8)
        alpha = np.full(crop.shape[:2], 255, np.uint8)
        placed = np.array([[1, 0, left], [0, 1, top]], np.float64)
        swapped = SwappedFace(self._face.id, crop, alpha, placed)
        return replace(frame, faces=(self._face,), chosen=(self._face,), swapped=(swapped,))


@pytest.fixture(scope="module")
def source_photo() -> SourceFace:
    photo: BgrU8 = as_u8(np.asarray(cv2.imdecode(np.fromfile(public_domain_photo(), np.uint8), cv2.IMREAD_COLOR)))
    return SourceFace.of(photo, find_faces(photo)[0])


def measured(source_photo: SourceFace, folder: Path, stages: Sequence[Stage]) -> QualityReport:
    clip = folder / "clip"
    clip.mkdir(exist_ok=True)
    for k in range(4):
        cv2.imwrite(str(clip / f"{k}.png"), source_photo.best.photo_bgr)
    source = IMAGES.make(SourceRequest(str(clip)))
    return bench_quality(source, stages, source_photo, folder / f"frames{len(stages)}", landmarker=load_landmarker())


def test_every_frame_is_written_in_the_clips_size_with_a_sheet_beside_them(
    source_photo: SourceFace, tmp_path: Path
) -> None:
    report = measured(source_photo, tmp_path, [Paints(source_photo, 10), CompositeStage()])
    frames = sorted((tmp_path / "frames2").glob("*.png"))
    assert [frame.name for frame in frames] == [f"{k:06d}.png" for k in range(4)]
    first = cv2.imread(str(frames[0]))
    assert first is not None
    assert first.shape == source_photo.best.photo_bgr.shape
    assert Path(report.sheet).parent == tmp_path
    for written in (*frames, Path(report.sheet)):
        assert read_credentials(written)["generator"] is not None
    assert report.frames == 4
    assert report.cover_rate == 1
    assert report.bg_max == 0


def test_a_tint_is_seen_by_the_colour_numbers(source_photo: SourceFace, tmp_path: Path) -> None:
    plain = measured(source_photo, tmp_path, [Paints(source_photo, 0), CompositeStage()])
    tinted = measured(source_photo, tmp_path / "..", [Paints(source_photo, 25), CompositeStage(), CompositeStage()])
    assert plain.skin_dE == 0
    assert plain.sharp_ratio == 1
    for number in (tinted.skin_dE, tinted.skin_dE_sector, tinted.ring_dE):
        assert number is not None
        assert number > 4


def test_frames_of_another_run_are_not_mixed_with_new_ones(source_photo: SourceFace, tmp_path: Path) -> None:
    (tmp_path / "frames1").mkdir()
    (tmp_path / "frames1" / "000000.png").write_bytes(b"")
    with pytest.raises(MienError, match="already holds PNG files"):
        measured(source_photo, tmp_path, [CompositeStage()])
