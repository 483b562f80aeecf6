"""A picture of when in a film the mark was found."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.diagnostics.verify.scan import ScanResult
from mien.media.text import text_mask
from mien.provenance.watermark.detect import SURE_Z
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
