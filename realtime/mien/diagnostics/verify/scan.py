"""Looks for the mark through a whole file, a few seconds at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.diagnostics.verify.frames import MediaFrames
from mien.provenance.watermark.detect import Finding, detect, read_payload
from mien.provenance.watermark.evidence import Collector
from mien.provenance.watermark.payload import Payload

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
