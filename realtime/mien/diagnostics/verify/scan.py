"""Looks for the mark through a whole file, a few seconds at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.diagnostics.verify.frames import MediaFrames
from mien.media.text import text_mask
from mien.provenance.watermark.detect import SURE_Z, Collector, Finding, detect, read_payload
from mien.provenance.watermark.payload import Payload
from mien_models.system.atomic_write import whole_or_nothing
from mien_models.types import BgrU8

_WIDTH: Final = 1200
_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BASE = 60, 1160, 90, 230
_PAPER_BGR: Final = (250, 249, 247)
_INK_BGR: Final = (60, 50, 44)
_MARKED_BGR: Final = (172, 106, 40)
_UNMARKED_BGR: Final = (206, 202, 198)
_HIGHEST_Z: Final = 60.0
WINDOW_S: Final = 4.0
_SHORTEST_S: Final = 1.0
"""A rest shorter than this is left out where something came before it."""

Progress = Callable[[float, float | None], None]
"""Is told how many seconds were looked at, and of how many, None where the file does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A few seconds that were looked at."""

    begins_s: float
    ends_s: float
    finding: Finding
    is_marked: bool


@dataclass(frozen=True, slots=True, eq=False)
class ScanResult:
    """What was found in a file."""

    stretches: tuple[Stretch, ...]
    payload: Payload | None
    """What the mark says; None where there is none or it cannot be read."""
    sessions: tuple[str, ...]
    """Every session that was read, in order: a film of several runs has several."""
    is_whole: bool
    """Whether all of the file was looked at; else it was left at the first mark."""

    @property
    def is_marked(self) -> bool:
        """Whether the mark was found anywhere."""
        return any(stretch.is_marked for stretch in self.stretches)

    @property
    def ranges_s(self) -> tuple[tuple[float, float], ...]:
        """From when to when the mark was found, neighbours joined."""
        joined: list[tuple[float, float]] = []
        for stretch in self.stretches:
            if stretch.is_marked and joined and stretch.begins_s - joined[-1][1] < 0.5:
                joined[-1] = joined[-1][0], stretch.ends_s
            elif stretch.is_marked:
                joined.append((stretch.begins_s, stretch.ends_s))
        return tuple(joined)

    @property
    def best(self) -> Finding | None:
        """The surest finding."""
        return max((stretch.finding for stretch in self.stretches), key=lambda one: one.place.z, default=None)


def scan_frames(media_frames: MediaFrames, *, is_whole: bool, progress: Progress) -> ScanResult:
    """Look through a file; unless the whole is wanted, only until a mark has been read.

    Raises:
        PhotoError, SourceError: it cannot be read.
    """
    stretches: list[Stretch] = []
    known = None
    for begins_s, ends_s, collector in _windows(media_frames):
        is_short = ends_s - begins_s < _SHORTEST_S and bool(stretches)
        if is_short and not media_frames.is_still:
            break
        finding = detect(collector.evidence(), known=known, is_thorough=media_frames.is_still)
        # One picture has no time to cancel what is in it: only a payload that can be read counts there.
        is_marked = finding.is_marked and (finding.payload is not None or not media_frames.is_still)
        stretches.append(Stretch(begins_s, ends_s, finding, is_marked))
        known = finding.place if is_marked else known
        progress(ends_s, media_frames.duration_s)
        if is_marked and finding.payload is not None and not is_whole and not media_frames.is_still:
            return _summed(stretches, is_whole=False)
    return _summed(stretches, is_whole=True)


def _windows(media_frames: MediaFrames) -> Iterator[tuple[float, float, Collector]]:
    """Give the sums of a window at a time; times are of the file, so that the slots go on from one to the next."""
    collector, begins_s = Collector(is_still=media_frames.is_still), 0.0
    for sample in media_frames.samples():
        if sample.at_s - begins_s >= WINDOW_S:
            yield begins_s, sample.at_s, collector
            collector, begins_s = Collector(is_still=media_frames.is_still), sample.at_s
        collector.add(sample.image_bgr, round(sample.at_s * 1e9))
    if collector.count:
        yield begins_s, max(media_frames.ends_s, begins_s), collector


def _summed(stretches: list[Stretch], *, is_whole: bool) -> ScanResult:
    marked = [stretch.finding for stretch in stretches if stretch.is_marked]
    read = [finding.payload for finding in marked if finding.payload is not None]
    payload = read[0] if read else None
    if payload is None and marked:
        payload = read_payload(np.sum([finding.soft for finding in marked], axis=0))
    if payload is not None and not read:
        read = [payload]
    sessions = tuple(dict.fromkeys(one.session_id for one in read))
    return ScanResult(tuple(stretches), payload, sessions, is_whole)


def timeline(scan_frames: ScanResult, name: str) -> BgrU8:
    """Draw each stretch as a bar whose height is how far the mark stands out: (300, 1200, 3)."""
    picture: BgrU8 = np.full((_HEIGHT, _WIDTH, 3), _PAPER_BGR, np.uint8)
    end_s = max((stretch.ends_s for stretch in scan_frames.stretches), default=0.0) or 1.0
    for stretch in scan_frames.stretches:
        left, right = (_LEFT + round((_RIGHT - _LEFT) * at_s / end_s) for at_s in (stretch.begins_s, stretch.ends_s))
        part = min(stretch.finding.place.z / _HIGHEST_Z, 1.0)
        colour = _MARKED_BGR if stretch.is_marked else _UNMARKED_BGR
        top = _BASE - round((_BASE - _TOP) * part)
        cv2.rectangle(picture, (left + 1, top), (max(right - 2, left + 1), _BASE), colour, -1)
    sure = _BASE - round((_BASE - _TOP) * SURE_Z / _HIGHEST_Z)
    cv2.line(picture, (_LEFT, sure), (_RIGHT, sure), _INK_BGR, 1)
    cv2.line(picture, (_LEFT, _BASE), (_RIGHT, _BASE), _INK_BGR, 1)
    title = "mark found" if scan_frames.is_marked else "no mark found: says nothing about authenticity"
    _write(picture, f"{_short(name)}: {title}", _LEFT, 40, 16, weight=600)
    _write(picture, "sure", _RIGHT + 6, sure + 4, 9)
    for at_s in np.linspace(0, end_s, 6):
        x = _LEFT + round((_RIGHT - _LEFT) * at_s / end_s)
        cv2.line(picture, (x, _BASE), (x, _BASE + 6), _INK_BGR, 1)
        _write(picture, f"{at_s:.0f} s" if end_s >= 50 else f"{at_s:.1f} s", x - 14, _BASE + 30, 11)
    return picture


def write_timeline(path: Path, scan_frames: ScanResult, name: str) -> None:
    """Write the picture as a PNG.

    Raises:
        SinkError: it cannot be written there.
    """
    _, encoded = cv2.imencode(".png", timeline(scan_frames, name))
    with whole_or_nothing(path) as part:
        part.write_bytes(encoded.tobytes())


def _short(name: str) -> str:
    return name if len(name) <= 48 else f"{name[:45]}..."


def _write(picture: BgrU8, text: str, left: int, base: int, caps_px: int, *, weight: int = 400) -> None:
    mask = text_mask(text, caps_px, weight=weight)[:, : _WIDTH - left]
    area = picture[base - mask.shape[0] : base, left : left + mask.shape[1]]
    cover = mask[: area.shape[0], :, None].astype(np.float32) / 255
    area[...] = np.round(area * (1 - cover) + np.array(_INK_BGR, np.float32) * cover)
