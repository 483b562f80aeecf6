"""Measure the invisible mark: mark clips, do to them what happens to calls and files, look for the mark.

uv run scripts/mark_trials.py FOLDER [--false-alarms] prints tables in Markdown for every clip in FOLDER.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np

from mien.provenance.watermark.detect import Collector, Finding, detect
from mien.provenance.watermark.embed import Embedder
from mien.provenance.watermark.payload import Payload

FPS = 30
SECONDS = 4
WIDTH, HEIGHT = 1280, 720
PAYLOAD = Payload(0x5EED01, flags=12)
Pictures = list[np.ndarray]


def video(pictures: Pictures, codec: str, bits_per_s: int) -> Pictures:
    """Encode and decode."""
    options = {"libx264": {"preset": "veryfast"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}[codec]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as target:
        stream = target.add_stream(codec, rate=FPS, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", bits_per_s
        for picture in pictures:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "bgr24")))
        target.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as source:
        return [frame.to_ndarray(format="bgr24") for frame in source.decode(video=0)]


def resized(pictures: Iterable[np.ndarray], width: int, height: int) -> Pictures:
    """Scale as call software does."""
    return [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in pictures]


def jpegs(pictures: Iterable[np.ndarray], quality: int) -> Pictures:
    """Compress each picture alone."""
    packed = (cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for one in pictures)
    return [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in packed]


def in_a_screen(pictures: Pictures) -> Pictures:
    """Show a call's picture as a tile of 616 px among others that move, and record the screen."""
    screens: Pictures = []
    tiles = resized(pictures, 616, 346)
    for index, tile in enumerate(tiles):
        screen = np.full((1080, 1920, 3), 36, np.uint8)
        screen[101:447, 333:949] = tile
        # The neighbour is unmarked: a blur keeps nothing of the mark.
        other = cv2.GaussianBlur(tiles[-1 - index], (0, 0), 6)
        screen[501:847, 333:949], screen[101:447, 969:1585] = other[:, ::-1], other
        screens.append(screen)
    return video(screens, "libx264", 2_500_000)


def call(pictures: Pictures) -> Pictures:
    """H.264 at 1 Mbit/s."""
    return video(pictures, "libx264", 1_000_000)


ATTACKS: dict[str, Callable[[Pictures], Pictures]] = {
    "H.264 720p 1 Mbit/s": call,
    "the same, first second": lambda pictures: call(pictures)[:FPS],
    "H.264 720p 600 kbit/s": lambda pictures: video(pictures, "libx264", 600_000),
    "VP8 720p 1 Mbit/s": lambda pictures: video(pictures, "libvpx", 1_000_000),
    "360p 500 kbit/s": lambda pictures: video(resized(pictures, 640, 360), "libx264", 500_000),
    "360p 250 kbit/s": lambda pictures: video(resized(pictures, 640, 360), "libx264", 250_000),
    "crop 10 %": lambda pictures: [one[36:-36, 64:-64] for one in call(pictures)],
    "mirrored": lambda pictures: [one[:, ::-1] for one in call(pictures)],
    "JPEG q50 frames": lambda pictures: jpegs(pictures, 50),
    "616 px tile of a 1080p recording": lambda pictures: in_a_screen(call(pictures)),
    "brightest channel only": lambda pictures: [
        np.repeat(one.max(axis=2, keepdims=True), 3, axis=2) for one in call(pictures)
    ],
    "180p 150 kbit/s": lambda pictures: video(resized(pictures, 320, 180), "libx264", 150_000),
    "one JPEG q80 picture": lambda pictures: jpegs(pictures[:1], 80),
}
DISGUISES: dict[str, Callable[[Pictures], Pictures]] = {
    "as it is": lambda pictures: pictures,
    "mirrored": lambda pictures: [one[:, ::-1] for one in pictures],
    "scaled to 70 %": lambda pictures: resized(pictures, 896, 504),
    "scaled to 150 %": lambda pictures: resized(pictures, 1920, 1080),
    "shifted and cropped": lambda pictures: [one[53:-17, 31:-77] for one in pictures],
    "H.264 1 Mbit/s": call,
    "360p JPEG q50": lambda pictures: jpegs(resized(pictures, 640, 360), 50),
    "tile of a recording": in_a_screen,
}


def segments(path: Path, seconds: float) -> Iterator[Pictures]:
    """Cut a clip into pieces at 720p and 30 frames a second; one that is too short is played to and fro."""
    kept: Pictures = []
    with av.open(str(path), "r") as source:
        for frame in source.decode(video=0):
            kept.append(cv2.resize(frame.to_ndarray(format="bgr24"), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
            if len(kept) == int(seconds * FPS):
                yield kept
                kept = []
    while kept and len(kept) < int(seconds * FPS):
        kept += kept[::-1][: int(seconds * FPS) - len(kept)]
    if kept:
        yield kept


def marked(pictures: Pictures) -> Pictures:
    """Put the mark in, from the middle of a slot."""
    embedder = Embedder(PAYLOAD)
    out = [np.empty_like(one) for one in pictures]
    for index, (before, after) in enumerate(zip(pictures, out, strict=True)):
        embedder.mark(before, 9_123_456_789 + index * 1_000_000_000 // FPS, after)
    return out


def looked_at(pictures: Pictures) -> Finding:
    """Look for the mark in a dozen pictures a second, or in one."""
    collector = Collector(is_still=len(pictures) == 1)
    for index in range(0, len(pictures), 5 if len(pictures) > 2 * FPS else 2):
        collector.add(np.ascontiguousarray(pictures[index]), index * 1_000_000_000 // FPS)
    return detect(collector.evidence())


def psnr(before: Pictures, after: Pictures) -> float:
    """Compare pictures, in dB."""
    errors = [np.mean((one.astype(np.float32) - other) ** 2) for one, other in zip(before, after, strict=True)]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def attack_table(clips: list[Path]) -> None:
    """Print what is found after every attack on every clip."""
    rows: dict[str, list[str]] = {name: [] for name in ("PSNR, dB", *ATTACKS)}
    for path in clips:
        plain = next(segments(path, SECONDS))
        sent = marked(plain)
        rows["PSNR, dB"].append(f"{psnr(plain[:20], sent[:20]):.1f}")
        for name, attack in ATTACKS.items():
            finding = looked_at(attack(sent))
            read = "read" if finding.payload == PAYLOAD else "found" if finding.is_marked else "**no**"
            rows[name].append(f"{read} {finding.place.z:.0f}")
            print(f"{path.stem}: {name}: {rows[name][-1]}", file=sys.stderr, flush=True)
    print(f"| | {' | '.join(path.stem for path in clips)} |\n|---|{'---|' * len(clips)}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def false_alarms(clips: list[Path], seconds: float, most: int) -> None:
    """Print what is found where there is nothing."""
    print("| disguise | segments | false alarms | largest z | median z |\n|---|---|---|---|---|")
    strengths: dict[str, list[float]] = {name: [] for name in DISGUISES}
    alarms = dict.fromkeys(DISGUISES, 0)
    for path in clips:
        for plain in islice(segments(path, seconds), most):
            for name, disguise in DISGUISES.items():
                finding = looked_at(disguise(plain))
                strengths[name].append(finding.place.z)
                alarms[name] += finding.is_marked
            print(f"{path.stem}: {sum(map(len, strengths.values()))} looked at", file=sys.stderr, flush=True)
    for name, found in strengths.items():
        print(f"| {name} | {len(found)} | {alarms[name]} | {max(found):.1f} | {median(found):.1f} |")
    everything = [z for found in strengths.values() for z in found]
    print(f"| all | {len(everything)} | {sum(alarms.values())} | {max(everything):.1f} | {median(everything):.1f} |")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--false-alarms", action="store_true")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of the segments for false alarms")
    parser.add_argument("--most", type=int, default=5, help="segments of each clip for false alarms")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    clips = sorted(path for path in given.folder.iterdir() if path.is_file())
    started_s = time.monotonic()
    if given.false_alarms:
        false_alarms(clips, given.seconds, given.most)
    else:
        attack_table(clips)
    print(f"{time.monotonic() - started_s:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
