"""Transparency and depth stay where the output can hold them; where it cannot, it is said."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image
from tests.realtime.media.display_matrix import set_display_matrix

from mien.media.video.side_data import side_data_of
from mien.media.video.upright import decoder_of, stored_samples
from mien.pipeline.frame import Frame
from mien.pipeline.offline import swap_file
from mien.provenance.release import SwappedPicture
from mien_models.types import SwappedFace

SIZE = (64, 48)
_VPX = {"crf": "4", "auto-alt-ref": "0"}


def overlay(index: int) -> NDArray[np.uint8]:
    """RGBA: clear on the left, half there in the middle, solid on the right, with a bar that moves."""
    image = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    image[..., :3] = (200, 60, 90)
    image[10:20, 24 + index * 4 : 32 + index * 4, :3] = (30, 220, 60)
    image[:, 16:32, 3], image[:, 32:, 3] = 128, 255
    return image


def write_overlay(path: Path, codec: str, pix_fmt: str, *, is_clear: bool = True, frames: int = 6) -> Path:
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=25, options=_VPX if "vpx" in codec else {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pix_fmt
        if "vpx" in codec:
            stream.bit_rate = 4_000_000
            stream.metadata["alpha_mode"] = "1"
        for index in range(frames):
            image = overlay(index)
            if not is_clear:
                image[..., 3] = 255
            frame = av.VideoFrame.from_ndarray(image, "rgba").reformat(format=pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        decode = decoder_of(stream)
        frames = [frame for packet in video.demux(stream) for frame in decode(packet)]
        return [frame for frame in frames if isinstance(frame, av.VideoFrame)]


def samples(path: Path) -> list[NDArray[Any]]:
    return [stored_samples(frame, is_deep=False).astype(int) for frame in frames_of(path)]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("in.mov", "qtrle", "argb"), ("in.mov", "prores_ks", "yuva444p10le"), ("in.mov", "png", "rgba")],
)
def test_an_overlay_stays_transparent_in_a_mov(
    brighten: Any, tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    source = write_overlay(tmp_path / name, codec, pix_fmt)
    result = swap_file(source, tmp_path / "out.mov", [brighten])
    assert result.notes == ()
    for old, new in zip(samples(source), samples(tmp_path / "out.mov"), strict=True):
        assert np.abs(old[..., 3] - new[..., 3]).max() <= 2
        seen = old[:24, :, 3] > 0
        assert np.abs(old[:24, :, :3] - new[:24, :, :3])[seen].mean() < 3
    swapped = samples(tmp_path / "out.mov")[0]
    assert swapped[30:, 36:, :3].min() > 250


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_transparency_beside_the_picture_of_a_webm_is_seen(brighten: Any, tmp_path: Path, codec: str) -> None:
    whole = write_overlay(tmp_path / "whole.mov", "qtrle", "argb")
    source = write_overlay(tmp_path / "in.webm", codec, "yuva420p")
    result = swap_file(source, tmp_path / "out.mov", [brighten])
    assert result.notes == ()
    for old, new in zip(samples(whole), samples(tmp_path / "out.mov"), strict=True):
        assert np.abs(old[..., 3] - new[..., 3]).mean() < 4


@pytest.mark.parametrize("is_clear", [True, False])
def test_what_mp4_cannot_show_through_is_white_and_said(brighten: Any, tmp_path: Path, is_clear: bool) -> None:
    source = write_overlay(tmp_path / "in.mov", "qtrle", "argb", is_clear=is_clear)
    result = swap_file(source, tmp_path / "out.mp4", [brighten])
    assert any("laid over white" in note for note in result.notes) == is_clear
    for index, picture in enumerate(samples(tmp_path / "out.mp4")):
        assert (picture[:8, :12].min() > 245) == is_clear
        assert index % 2 or picture[30:, 36:].min() > 245


def test_a_mov_that_is_opaque_is_h264_as_ever(tmp_path: Path) -> None:
    swap_file(write_overlay(tmp_path / "in.mov", "qtrle", "argb", is_clear=False), tmp_path / "out.mov", [])
    with av.open(str(tmp_path / "out.mov")) as video:
        assert video.streams.video[0].codec_context.name == "h264"


def test_a_gif_stays_transparent(brighten: Any, tmp_path: Path) -> None:
    frames = [Image.fromarray(overlay(index)) for index in range(4)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=100, disposal=2, loop=0)
    result = swap_file(tmp_path / "in.gif", tmp_path / "out.gif", [brighten])
    assert not any("transparen" in note for note in result.notes)
    with Image.open(tmp_path / "in.gif") as before, Image.open(tmp_path / "out.gif") as after:
        for index in range(4):
            before.seek(index)
            after.seek(index)
            clear = np.asarray(before.convert("RGBA"))[:24, :, 3] == 0
            np.testing.assert_array_equal(np.asarray(after.convert("RGBA"))[:24, :, 3] == 0, clear)


def write_deep(path: Path, **options: str) -> Path:
    """A ramp with more steps than 8 bits have, in BT.2020."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=25, options={"crf": "2", **options})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p10le"
        codec = stream.codec_context
        codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc = 9, 1, 9, 16
        ramp = np.tile(np.linspace(20_000, 45_000, 256).astype(np.uint16)[:, None], (64, 1, 3))
        for index in range(4):
            frame = av.VideoFrame.from_ndarray(ramp, "rgb48le").reformat(
                format="yuv420p10le", dst_colorspace=9, dst_color_range=1
            )
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def luma(frame: av.VideoFrame) -> NDArray[Any]:
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, -1)[:, : plane.width].astype(int)


@pytest.mark.parametrize("matrix", [(1, 0, 0, 1), (-1, 0, 0, 1)])
def test_ten_bits_stay_ten_bits_around_a_new_face(
    brighten: Any, tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    source = write_deep(tmp_path / "in.mp4")
    set_display_matrix(source, *matrix)
    result = swap_file(source, tmp_path / "out.mp4", [brighten])
    before, after = frames_of(source), frames_of(tmp_path / "out.mp4")
    for old, new in zip(before, after, strict=True):
        kept, found = luma(old)[:30, :: matrix[0]], luma(new)[:30]
        assert np.abs(kept - found).mean() < 1.5
        # A ramp of 8 bits rises in steps of four levels; this one has most of the levels between.
        assert len(np.unique(found)) > 0.6 * (found.max() - found.min())
    assert (after[0].color_trc, after[0].color_primaries, after[0].colorspace) == (16, 9, 9)
    assert any("HDR" in note for note in result.notes)


def test_the_mastering_screen_of_hdr_is_handed_on(brighten: Any, tmp_path: Path) -> None:
    screen = "mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):cll=1000,400"
    source = write_deep(tmp_path / "in.mp4", **{"x264-params": screen})
    swap_file(source, tmp_path / "out.mp4", [brighten])
    before, after = frames_of(source)[0], frames_of(tmp_path / "out.mp4")[0]
    for kind in (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL):
        assert side_data_of(before, kind) is not None
        assert side_data_of(after, kind) == side_data_of(before, kind)


class SwapsUnseen:
    """Swaps a face that lies where the picture is clear, and puts a label beside it."""

    name = "swap"

    def __call__(self, frame: Frame) -> Frame:
        composed = frame.image.copy()
        composed[24:40, 2:14] = (10, 200, 10)
        composed[2:8, 2:14] = 0
        crop = np.full((16, 12, 3), (10, 200, 10), np.uint8)
        there = np.array([[1.0, 0, 2], [0, 1, 24]])
        face = SwappedFace(0, crop, np.full((16, 12), 255, np.uint8), there)
        picture = SwappedPicture(composed)
        released = picture.released(lambda image_bgr: image_bgr)
        return replace(frame, composed=picture, released=released, swapped=(face,))


def test_a_face_is_swapped_under_the_transparency_and_the_label_is_seen(tmp_path: Path) -> None:
    source = write_overlay(tmp_path / "in.mov", "qtrle", "argb")
    swap_file(source, tmp_path / "out.mov", [SwapsUnseen()])
    for picture in samples(tmp_path / "out.mov"):
        assert np.abs(picture[27:37, 5:11, :3] - (10, 200, 10)).max() < 12
        assert picture[27:37, 5:11, 3].max() == 0
        assert picture[4:6, 4:12, 3].min() == 255
    swap_file(source, tmp_path / "out.mp4", [SwapsUnseen()])
    for picture in samples(tmp_path / "out.mp4"):
        assert picture[27:37, 5:11].min() > 245
        assert picture[4:6, 4:12].max() < 20
