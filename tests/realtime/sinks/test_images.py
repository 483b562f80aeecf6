"""The folder of pictures."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.images import ImagesSink
from mien_models.errors import SinkError

FORMAT = OutputFormat(8, 6, Fraction(30))


def test_pictures_are_exact_and_go_on_after_those_that_are_there(tmp_path: Path) -> None:
    images = [np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8) for seed in range(4)]
    for session in (images[:2], images[2:]):
        with ImagesSink(str(tmp_path / "a" / "b"), FORMAT) as sink:
            for image in session:
                sink.write(OutputFrame(ReleasedPicture.unswapped(image), 5, 0, State.LIVE))
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert names == ["000000.png", "000001.png", "000002.png", "000003.png"]
    for name, image in zip(names, images, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a" / "b" / name)), image)


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(SinkError, match="Cannot write"):
        ImagesSink(str(tmp_path / "a"), FORMAT).__enter__()
