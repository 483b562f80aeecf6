import numpy as np
import pytest

from mien.pipeline.live.slates import Slates
from mien.pipeline.live.state import Cause


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (360, 640), (2, 2)])
def test_every_card_is_dark_with_light_letters_and_no_two_are_alike(size: tuple[int, int]) -> None:
    cards = Slates(*size)
    pictures = [cards.card(cause) for cause in Cause]
    for picture in pictures:
        assert picture.shape == (size[1], size[0], 3)
        assert picture.dtype == np.uint8
    if min(size) > 2:
        assert all(np.median(picture) < 60 for picture in pictures)
        assert all(picture.max() > 225 for picture in pictures)
        assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert cards.card(Cause.PRIVACY) is cards.card(Cause.PRIVACY)
