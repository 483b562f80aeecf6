"""`mien verify` of signed files: what stands in their Content Credentials, and what is said of it."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
from PIL import Image

from mien.diagnostics.verify.answer import answer, words
from mien.diagnostics.verify.c2pa_reader import read_credentials
from mien.diagnostics.verify.frames import MediaFrames
from mien.diagnostics.verify.scan import scan_frames
from mien.media.formats import media_type
from mien.provenance.c2pa.sign import Signer

_LOOKED_AT: Final = 16
"""In one of so many the mark is looked for, which takes a second; the others are read up to there."""


class _Verify:
    tokens = (
        b"jumb",
        b"jumd",
        b"c2pa",
        b"cbor",
        b"uuid",
        b"caBX",
        b"c2pa.hash.data",
        b"c2pa.actions",
        b"c2pa.claim",
        b"urn:c2pa:",
    )

    def seeds(self) -> Sequence[bytes]:
        pixels = np.random.default_rng(1).integers(0, 255, (16, 24, 3), np.uint8)
        found: list[bytes] = []
        with TemporaryDirectory() as made:
            for suffix in (".png", ".jpg", ".webp", ".tiff", ".mp4", ".gif"):
                path = Path(made) / f"signed{suffix}"
                if suffix == ".mp4":
                    _film(path)
                else:
                    Image.fromarray(pixels).save(path)
                Signer("12ab34").sign(path, media_type(path))
                found.append(path.read_bytes())
        return found

    def run(self, content: bytes, folder: Path) -> None:
        path = folder / "in put.png"
        path.write_bytes(content)
        json.dumps(read_credentials(path))
        path = path.rename(folder / "in put.mp4")
        credentials = read_credentials(path)
        if zlib.crc32(content) % _LOOKED_AT:
            return
        media_frames = MediaFrames(path)
        result = answer(scan_frames(media_frames, is_whole=True, progress=lambda *_: None), media_frames, credentials)
        json.dumps(result)
        words(result, is_still=media_frames.is_still)


def _film(path: Path) -> None:
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for _ in range(4):
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        file.mux(video.encode(None))


TARGET: Final = _Verify()
