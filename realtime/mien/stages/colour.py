"""Every crop takes the tone of the skin it covers; the statistics are smoothed in time, not the pixels.

A change of light is no statistics: it is read from the same places of skin in two frames that follow each other, and
applied at once to what is remembered. So a lamp is followed within a frame, while a hand or a turned head, which change
what is in sight, change the tone slowly. What a colour method promises stands here, too.
"""

from dataclasses import dataclass, fields, replace
from math import exp
from typing import Final, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien_models.plugins import Plugins
from mien_models.types import AffineF64, BgrU8, SwappedFace, Warp, as_f32, as_u8

GAIN_RANGE: Final = (0.6, 1.6)
"""How much a colour method may compress or stretch contrast, so that one odd frame cannot burn a face."""


@dataclass(frozen=True, slots=True, eq=False)
class SkinStatistics:
    """The colours of one face's skin, as moments: they are what is smoothed in time, not pixels."""

    mean_bgr: NDArray[np.float64]
    """(3,) 0..255."""
    covariance_bgr: NDArray[np.float64]
    """(3, 3)."""
    mean_lab: NDArray[np.float64]
    """(3,) CIE L*a*b* as OpenCV's 8-bit code stores it: L 0..255, a and b offset by 128."""
    std_lab: NDArray[np.float64]
    """(3,) in the same units."""
    histogram_bgr: NDArray[np.float64]
    """(3, 256) each row sums to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """A map of colours: a 3x4 matrix in one colour space, or a table per channel."""

    space: Literal["bgr", "lab"]
    matrix: NDArray[np.float64] | None = None
    """(3, 4) out = matrix @ (c0, c1, c2, 1), in 0..255."""
    table: NDArray[np.uint8] | None = None
    """(256, 3) out[c] = table[in[c], c]."""

    def softened(self, kept: float) -> "ColourMap":
        """Give the map that leaves so much of the old colours, 0..1, in the new ones."""
        if kept == 0:
            return self
        matrix = None if self.matrix is None else self.matrix + kept * (np.eye(3, 4) - self.matrix)
        table = self.table
        if table is not None:
            table = as_u8(np.asarray(table + kept * (np.arange(256)[:, None] - table.astype(float)) + 0.5, np.uint8))
        return ColourMap(self.space, matrix, table)


class ColourMethod(Protocol):
    """Fits the crop's skin to the frame's skin; a pure function."""

    def __call__(self, crop: SkinStatistics, frame: SkinStatistics) -> ColourMap:
        """Give the map that makes colours distributed like `crop` look like `frame`, with gains within GAIN_RANGE."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourPlugin:
    """One colour method, as its file says it."""

    method: ColourMethod
    help: str
    """What it is good for, in a few words for lists."""


COLOURS: Final[Plugins[ColourPlugin]] = Plugins("mien.stages.colour_methods", "colour method", ColourPlugin)


SAMPLES: Final = 48
"""The grid of samples over a crop has this side."""
FEWEST_SAMPLES: Final = 60
"""Less skin than this says nothing."""
OPAQUE: Final = 200
"""Only where the crop covers the frame at least this much, of 255, is it skin of both."""
CLIPPED: Final = (5, 250)
"""Levels beyond these say nothing of a colour."""
DARKNESS: Final = 4.0
"""Added to both levels of a ratio, so that the noise of dark skin is no change of light."""
NOISE: Final = 0.003
"""A smaller change is none."""
THINNING: Final = 2
"""One sample in so many, each way, is asked how the light changed."""
CHANGE_RANGE: Final = (0.25, 4.0)
"""What light can do from one frame to the next."""


@dataclass(frozen=True, slots=True, eq=False)
class SkinView:
    """One face in one frame, on the same places of skin in every frame as long as the head does not turn."""

    crop_bgr: BgrU8
    """(SAMPLES, SAMPLES, 3) as it would be pasted."""
    frame_bgr: BgrU8
    """(SAMPLES, SAMPLES, 3) what it would cover."""
    usable: NDArray[np.bool_]
    """(SAMPLES, SAMPLES) where the crop is opaque and neither is clipped."""

    @property
    def is_enough(self) -> bool:
        """Whether there is enough skin to say something of it."""
        return int(np.count_nonzero(self.usable)) >= FEWEST_SAMPLES

    @property
    def crop(self) -> SkinStatistics:
        """Measure the crop's skin."""
        return statistics(as_u8(self.crop_bgr[self.usable][:, None]))

    @property
    def frame(self) -> SkinStatistics:
        """Measure the frame's skin."""
        return statistics(as_u8(self.frame_bgr[self.usable][:, None]))


def view_skin(image_bgr: BgrU8, swapped: SwappedFace) -> SkinView:
    """Look at the places of a crop in the crop and in the frame."""
    height, width = swapped.alpha.shape
    across, down = width / SAMPLES, height / SAMPLES
    crop_from_sample = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    size, flags = (SAMPLES, SAMPLES), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Both are sampled the same way: a sharper sampling of one would give it the larger spread.
    crop = as_u8(cv2.warpAffine(swapped.crop_bgr, crop_from_sample[:2], size, flags=flags))
    frame = _sampled_frame(image_bgr, swapped.warp, swapped.frame_from_crop @ crop_from_sample)
    alpha = as_u8(cv2.warpAffine(swapped.alpha, crop_from_sample[:2], size, flags=flags))
    usable = alpha >= OPAQUE
    for image in (crop, frame):
        usable &= cv2.inRange(image, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) > 0
    return SkinView(crop, frame, usable)


def _sampled_frame(image_bgr: BgrU8, warp: Warp | None, frame_from_sample: AffineF64) -> BgrU8:
    """Look at the frame on the grid, where each sample has its content once the frame is warped."""
    if warp is None:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return as_u8(cv2.warpAffine(image_bgr, frame_from_sample[:2], (SAMPLES, SAMPLES), flags=flags))
    columns, rows = np.meshgrid(np.arange(SAMPLES), np.arange(SAMPLES))
    (a, b, x), (c, d, y) = frame_from_sample.tolist()
    at_x, at_y = warp.origin(as_f32(a * columns + b * rows + x), as_f32(c * columns + d * rows + y))
    return as_u8(cv2.remap(image_bgr, at_x, at_y, cv2.INTER_LINEAR))


def light_change(before_bgr: BgrU8, now_bgr: BgrU8, usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By which factors (3,) skin became brighter since the last frame: the median over the same places of it.

    A hand that comes before the face changes less than half of them, a lamp all.
    """
    some = usable[::THINNING, ::THINNING]
    if int(np.count_nonzero(some)) * THINNING**2 < FEWEST_SAMPLES:
        return np.ones(3)
    now, before = (as_f32(image[::THINNING, ::THINNING][some].T) for image in (now_bgr, before_bgr))
    ratios = (now + DARKNESS) / (before + DARKNESS)
    middle = ratios.shape[1] // 2
    ratios.partition(middle, axis=1)  # the median, in a third of its time
    change = np.clip(ratios[:, middle].astype(np.float64), *CHANGE_RANGE)
    return np.where(np.abs(change - 1) < NOISE, 1.0, change)


def statistics(skin_bgr: NDArray[np.uint8]) -> SkinStatistics:
    """Measure skin given as (n, 1, 3) pixels."""
    pixels = skin_bgr[:, 0].astype(np.float64)
    mean = pixels.mean(axis=0)
    centred = pixels - mean
    lab = cv2.cvtColor(skin_bgr, cv2.COLOR_BGR2LAB)[:, 0].astype(np.float64)
    histogram = np.stack([np.bincount(skin_bgr[:, 0, c], minlength=256) for c in range(3)]) / len(pixels)
    return SkinStatistics(
        mean_bgr=mean,
        covariance_bgr=centred.T @ centred / len(pixels),
        mean_lab=lab.mean(axis=0),
        std_lab=lab.std(axis=0),
        histogram_bgr=histogram,
    )


def mixed(old: SkinStatistics, new: SkinStatistics, share: float) -> SkinStatistics:
    """Give the old statistics with a share, 0..1, of the new ones in them."""
    both = [(getattr(old, field.name), getattr(new, field.name)) for field in fields(SkinStatistics)]
    return SkinStatistics(*(before + share * (now - before) for before, now in both))


def relit(skin: SkinStatistics, gains: NDArray[np.float64]) -> SkinStatistics:
    """Give the statistics that the same skin has under light stronger by (3,) gains for B, G and R."""
    if (gains == 1).all():
        return skin
    mean = np.minimum(skin.mean_bgr * gains, 255)
    lab_before, lab = _lab(skin.mean_bgr), _lab(mean)
    return SkinStatistics(
        mean_bgr=mean,
        covariance_bgr=skin.covariance_bgr * np.outer(gains, gains),
        mean_lab=skin.mean_lab + lab - lab_before,
        std_lab=skin.std_lab * lab[0] / max(lab_before[0], 1.0),
        histogram_bgr=np.stack([_stretched(row, gain) for row, gain in zip(skin.histogram_bgr, gains, strict=True)]),
    )


def _lab(bgr: NDArray[np.float64]) -> NDArray[np.float64]:
    """One colour, (3,) in 0..255, in the units of `SkinStatistics.mean_lab`."""
    lab = as_f32(cv2.cvtColor(as_f32(bgr / 255)[None, None], cv2.COLOR_BGR2LAB))[0, 0].astype(np.float64)
    return np.asarray(lab * (2.55, 1, 1) + (0, 128, 128), np.float64)


def _stretched(histogram: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """Move every level of a (256,) histogram to `gain` times itself; what leaves the range stays at its end."""
    levels = np.arange(257)
    below = np.concatenate([[0.0], np.cumsum(histogram)])
    stretched = np.diff(np.interp(levels / gain, levels, below))
    stretched[-1] += 1 - stretched.sum()
    return np.asarray(stretched, np.float64)


SETTLING_S: Final = 0.4
"""Time constant of the statistics' smoothing, in seconds."""
MEASURE_EVERY_S: Final = 0.05
"""Statistics are measured no more often than this."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause the statistics are taken anew."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is remembered of one face."""

    crop: SkinStatistics
    frame: SkinStatistics
    view: SkinView
    measured_ns: int


class ColourStage:
    """Applies a colour method to each swapped crop; keeps the smoothed statistics of the faces it saw last."""

    name = "colour"

    def __init__(self, method: ColourMethod, kept: float = 0.0) -> None:
        """Take the method, and how much of the crop's own colours stays, 0..1."""
        self._method = method
        self._kept = kept
        self._known: dict[int, _Known] = {}

    def __call__(self, frame: Frame) -> Frame:
        """Recolour `frame.swapped`; crops of which too little skin is seen keep their colours."""
        recoloured = tuple(self._recoloured(frame, swapped) for swapped in frame.swapped)
        followed = {face.id for face in frame.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        return replace(frame, swapped=recoloured)

    def _recoloured(self, frame: Frame, swapped: SwappedFace) -> SwappedFace:
        known, view, now_ns = self._known.get(swapped.face_id), view_skin(frame.image, swapped), frame.captured_ns
        if known is not None:
            is_recent = 0 <= now_ns - known.measured_ns < LONGEST_PAUSE_S * 1e9
            known = _under_new_light(known, view) if is_recent else None
        if view.is_enough:
            known = _measured_anew(known, view, now_ns)
        if known is None:
            return swapped
        self._known[swapped.face_id] = known
        fitted = self._method(known.crop, known.frame).softened(self._kept)
        return replace(swapped, crop_bgr=apply(fitted, swapped.crop_bgr))


def _under_new_light(known: _Known, view: SkinView) -> _Known:
    """Bring what is remembered into the light of now."""
    usable = known.view.usable & view.usable
    crop = relit(known.crop, light_change(known.view.crop_bgr, view.crop_bgr, usable))
    frame = relit(known.frame, light_change(known.view.frame_bgr, view.frame_bgr, usable))
    return _Known(crop, frame, view, known.measured_ns)


def _measured_anew(known: _Known | None, view: SkinView, now_ns: int) -> _Known:
    """Let what is seen now into what is remembered, if it is time."""
    if known is None:
        return _Known(view.crop, view.frame, view, now_ns)
    elapsed_s = (now_ns - known.measured_ns) / 1e9
    if elapsed_s < MEASURE_EVERY_S:
        return known
    share = 1 - exp(-elapsed_s / SETTLING_S)
    return _Known(mixed(known.crop, view.crop, share), mixed(known.frame, view.frame, share), view, now_ns)


def apply(colour_map: ColourMap, crop_bgr: BgrU8) -> BgrU8:
    """Give the crop in its new colours."""
    image = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2LAB) if colour_map.space == "lab" else crop_bgr
    if colour_map.table is not None:
        image = cv2.LUT(image, colour_map.table[None])
    elif colour_map.matrix is not None and not np.array_equal(colour_map.matrix, np.eye(3, 4)):
        image = cv2.transform(image, colour_map.matrix)
    if colour_map.space == "lab":
        image = cv2.cvtColor(image, cv2.COLOR_LAB2BGR)
    return as_u8(image)
