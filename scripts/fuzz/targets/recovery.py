"""`mien recover`: what a killed run has left, NAME.mp4.part."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np

from mien.sinks.recorded_file import SESSION_TAG, recover, session_note

_LONG_AGO: Final = 1_700_000_000


class _Recovery:
    tokens = (
        b"moov",
        b"moof",
        b"mdat",
        b"trun",
        b"tfhd",
        b"traf",
        b"mvex",
        b"stsd",
        b"avc1",
        b"udta",
        b"session ffffff",
    )

    def seeds(self) -> Sequence[bytes]:
        with TemporaryDirectory() as made:
            wholes = [
                _growing(Path(made) / f"{frames}{suffix}", frames) for suffix in (".mp4", ".mov") for frames in (6, 40)
            ]
        return [*wholes, *(whole[: len(whole) * 4 // 5] for whole in wholes)]

    def run(self, content: bytes, folder: Path) -> None:
        part = folder / "call.mp4.part"
        part.write_bytes(content)
        os.utime(part, (_LONG_AGO, _LONG_AGO))
        whole, frames = recover(part)
        assert frames > 0
        assert whole.exists()
        assert not part.exists()


def _growing(path: Path, frames: int) -> bytes:
    """Write a file as a recording is while it lasts: in fragments, each with its own index."""
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as file:
        file.metadata[SESSION_TAG] = session_note("12ab34")
        stream = file.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 8, 0
        for index in range(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), index * 5, np.uint8), "bgr24")))
        file.mux(stream.encode(None))
    return path.read_bytes()


TARGET: Final = _Recovery()
