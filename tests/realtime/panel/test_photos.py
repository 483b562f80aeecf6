"""A photo that is dropped: a good one is understood, a bad one refused in a sentence, and no path of ours is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.panel.photos import Photos, Understood
from mien.panel.uploads import KINDS, Uploads

pytestmark = pytest.mark.slow


def sent(content: bytes) -> tuple[Photos, str, Understood]:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    async def all_of_it() -> tuple[Photos, str, Understood]:
        uploads = Uploads()
        photos = Photos(uploads)
        name = await uploads.take(KINDS["photo"], chunks())
        return photos, name, await photos.understood(name)

    return asyncio.run(all_of_it())


def test_a_good_photo_is_understood_once_with_its_pictures(portrait_png: Path) -> None:
    photos, name, found = sent(portrait_png.read_bytes())
    assert found.fault is None
    assert found.faces == 1
    assert 80 < found.width_px < 120
    for what, least in (("thumb", 128), ("sheet", 600)):
        picture = cv2.imread(str(photos.picture(name, what)))
        assert picture is not None
        assert picture.shape[1] >= least
    assert photos.usable() == (found,)
    photos.picture(name, "sheet").unlink()
    assert asyncio.run(photos.understood(name)) == found, "it is not looked at again"
    photos.forget(name)
    assert photos.usable() == ()


def nobody() -> bytes:
    return cv2.imencode(".png", np.full((300, 300, 3), 90, np.uint8))[1].tobytes()


BAD = {
    "no picture": b"MZ no picture at all",
    "nobody in it": nobody(),
    "cut off": nobody()[:80],
    "an HTML page": b"<html><script>alert(1)</script></html>",
    "a bomb": b"P6\n60000 60000\n255\n" + b"\0" * 64,
    "a HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64,
}


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_in_a_sentence_when_it_is(what: str) -> None:
    photos, name, found = sent(BAD[what])
    assert found.fault is not None
    assert len(found.fault) > 20
    assert name not in found.fault
    assert "/panel/" not in found.fault
    assert photos.usable() == ()
