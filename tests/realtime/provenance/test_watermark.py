"""The invisible mark: what the specification says, and what survives on the way."""

import io
from collections.abc import Iterable

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from mien.provenance.watermark.detect import Collector, Finding, detect
from mien.provenance.watermark.embed import Embedder, chip_px, pattern_at, patterns
from mien.provenance.watermark.payload import Payload, crc16, decode, encode
from mien_models.types import BgrU8, as_u8

PAYLOAD = Payload(0xC0FFEE, flags=12)
FPS = 12


def clip(width: int = 960, height: int = 540, frames: int = 4 * FPS) -> list[BgrU8]:
    """Somebody sways before a still wall, under a camera's noise."""
    random = np.random.default_rng(3)
    small = random.integers(60, 200, (9, 16, 3), np.uint8)
    wall = as_u8(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    noise = random.integers(0, 9, (height, width, 3), np.uint8)
    pictures: list[BgrU8] = []
    for index in range(frames):
        picture = as_u8(cv2.add(wall, np.roll(noise, index * 7, axis=1)))
        x = round(width / 2 + width / 10 * np.sin(index / 6))
        cv2.ellipse(picture, (x, height // 2), (width // 9, height // 4), 0, 0, 360, (110, 140, 200), -1)
        cv2.line(picture, (x - 30, height // 2), (x + 30, height // 2 + index % 5), (20, 20, 60), 4)
        pictures.append(picture)
    return pictures


def marked(pictures: Iterable[BgrU8], began_ns: int = 7_654_321_000) -> list[BgrU8]:
    embedder = Embedder(PAYLOAD)
    out: list[BgrU8] = []
    for index, picture in enumerate(pictures):
        target = np.empty_like(picture)
        embedder.mark(picture, began_ns + index * 1_000_000_000 // FPS, target)
        out.append(target)
    return out


def through(pictures: list[BgrU8], codec: str, bits_per_s: int) -> list[BgrU8]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as target:
        options = {"preset": "veryfast"} if codec == "libx264" else {"deadline": "realtime", "cpu-used": "8"}
        stream = target.add_stream(codec, rate=FPS, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", bits_per_s
        for picture in pictures:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        target.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as source:
        return [frame.to_ndarray(format="bgr24").astype(np.uint8) for frame in source.decode(video=0)]


def found(pictures: Iterable[BgrU8]) -> Finding:
    collector = Collector()
    for index, picture in enumerate(pictures):
        collector.add(np.ascontiguousarray(picture), index * 1_000_000_000 // FPS)
    return detect(collector.evidence())


def resized(picture: BgrU8, width: int, height: int) -> BgrU8:
    return as_u8(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def test_the_specifications_test_vectors() -> None:
    assert crc16(b"123456789") == 0x29B1
    assert np.packbits(PAYLOAD.bits()).tobytes().hex() == "1cc0ffee" + f"{crc16(bytes.fromhex('1cc0ffee')):04x}"
    first = patterns()[0]
    assert first.sync[:4].tolist() == [658, 208, 367, 872]
    assert first.data[:4].tolist() == [434, 216, 101, 268]
    assert first.signs[:8].tolist() == [1, -1, 1, 1, 1, 1, -1, -1]
    assert np.packbits(encode(PAYLOAD.bits())).tobytes().hex() == "f691109bef5ff1d83fff88091c902a40bda3"


@given(st.integers(0, 2**24 - 1), st.integers(0, 15), st.integers(0, 2**32 - 1))
def test_a_payload_survives_noise_as_strong_as_the_code(session: int, flags: int, seed: int) -> None:
    bits = Payload(session, flags).bits()
    soft = np.where(encode(bits), 1.0, -1.0) + np.random.default_rng(seed).normal(0, 0.6, 144)
    assert Payload.from_bits(decode(soft.astype(np.float32))) == Payload(session, flags)


def test_a_payload_with_a_wrong_bit_is_none() -> None:
    for place in range(48):
        bits = PAYLOAD.bits()
        bits[place] ^= 1
        assert Payload.from_bits(bits) is None


def test_chips_grow_with_large_pictures_and_patterns_take_turns() -> None:
    assert [chip_px(*size) for size in ((640, 360), (1280, 720), (1080, 1920), (3840, 2160))] == [8, 8, 12, 24]
    assert [pattern_at(slot * 500_000_000) for slot in range(5)] == [0, 1, 2, 3, 0]


def test_a_part_is_marked_as_it_is_in_the_whole() -> None:
    picture = clip(frames=1)[0]
    whole, part = np.empty_like(picture), np.empty_like(picture)
    embedder = Embedder(PAYLOAD)
    embedder.mark(picture, 0, whole)
    embedder.mark_part(picture[100:300, 270:900], part[100:300, 270:900], (270, 100), chip_px(960, 540), 0)
    np.testing.assert_array_equal(part[100:300, 270:900], whole[100:300, 270:900])


@pytest.mark.parametrize(("codec", "bits_per_s"), [("libx264", 600_000), ("libvpx", 600_000)])
def test_it_is_read_after_a_call_mirrored_cropped_or_in_a_tile_of_a_recording(codec: str, bits_per_s: int) -> None:
    sent = through(marked(clip()), codec, bits_per_s)
    assert found(sent).payload == PAYLOAD
    assert found(picture[:, ::-1] for picture in sent).place.is_mirrored
    assert found(picture[31:-23, 57:-39] for picture in sent).payload == PAYLOAD
    screen = [np.full((720, 1280, 3), 40, np.uint8) for _ in sent]
    for shown, picture in zip(screen, sent, strict=True):
        shown[55:387, 133:723] = resized(picture, 590, 332)
    assert found(through(screen, "libx264", 1_500_000)).payload == PAYLOAD


def test_it_is_read_from_small_video_and_from_jpegs() -> None:
    pictures = marked(clip())
    assert found(through([resized(one, 640, 360) for one in pictures], "libx264", 400_000)).payload == PAYLOAD
    jpegs = [as_u8(cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]) for one in pictures]
    assert found(as_u8(np.asarray(cv2.imdecode(one, cv2.IMREAD_COLOR))) for one in jpegs).payload == PAYLOAD


def test_nothing_is_found_where_there_is_no_mark() -> None:
    plain = clip()
    grey = [np.full((360, 640, 3), 128, np.uint8)] * 20
    black = [np.zeros((360, 640, 3), np.uint8)] * 20
    for pictures in (plain, [one[:, ::-1] for one in plain], through(plain, "libx264", 400_000), grey, black):
        assert not found(pictures).is_marked


def test_another_key_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.provenance.watermark.embed.KEY", b"somebody else's")
    patterns.cache_clear()
    pictures = marked(clip())
    monkeypatch.undo()
    patterns.cache_clear()
    assert not found(pictures).is_marked
    assert found(marked(clip())).is_marked
