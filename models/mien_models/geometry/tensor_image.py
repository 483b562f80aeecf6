"""An aligned crop of a frame, as a network's numbers, and its numbers as a crop again; all in memory made once."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.alignment import Aligner
from mien_models.geometry.resizing import resized, side_from_cut
from mien_models.specs.network import PictureSpec, PixelSpec
from mien_models.types import AffineF64, BgrU8, Face, MaskU8, PointsF32, as_f32, as_u8

_LEVELS: Final = 256


class AlignedInput:
    """Cuts an aligned face out of a frame and turns it into what a network takes; its memory is reused by every call.

    Remembers the pose in which each followed face is aligned, until it is forgotten. With `boost` k, the crop is k
    times as large and goes in as k * k pictures of every k-th pixel of every k-th row.
    """

    def __init__(self, spec: PictureSpec, *, boost: int = 1) -> None:
        """Prepare for a network's picture.

        Raises:
            ModelError: no template has the name that the spec gives.
        """
        self._spec, self._boost = spec, boost
        self.side_px = spec.size_px * boost
        """Of the crop."""
        cut_px = self.side_px if spec.cut_px is None else spec.cut_px * boost
        self._aligner = Aligner(spec, cut_px)
        self._cut = np.empty((cut_px, cut_px, 3), np.uint8)
        self._crop = self._cut if spec.cut_px is None else np.empty((self.side_px, self.side_px, 3), np.uint8)
        self._plane = np.empty((self.side_px, self.side_px), np.uint8)
        pixels = np.arange(_LEVELS)[:, None]
        self._tables = (pixels * np.array(spec.scale) + np.array(spec.offset)).astype(np.float32)
        inside = (3, spec.size_px, spec.size_px) if spec.layout == "nchw" else (spec.size_px, spec.size_px, 3)
        self._numbers = np.empty((boost * boost, *inside), np.float32)
        self._pixels = np.empty((boost * boost, *inside), np.uint8)

    def crop(self, frame_bgr: BgrU8, five_points: PointsF32) -> tuple[BgrU8, AffineF64]:
        """Cut out a face of which five points are known; see `crop_of`."""
        return self._cut_out(frame_bgr, self._aligner.of_points(five_points))

    def crop_of(self, frame_bgr: BgrU8, face: Face) -> tuple[BgrU8, AffineF64]:
        """Cut out a followed face; the crop is written over by the next call. Also gives crop-from-frame."""
        return self._cut_out(frame_bgr, self._aligner.of_face(face))

    def forget(self, face_id: int) -> None:
        """Drop what is remembered of a face."""
        self._aligner.forget(face_id)

    def _cut_out(self, frame_bgr: BgrU8, cut_from_frame: AffineF64) -> tuple[BgrU8, AffineF64]:
        cv2.warpAffine(
            frame_bgr,
            cut_from_frame,
            self._cut.shape[1::-1],
            dst=self._cut,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE if self._spec.border == "replicate" else cv2.BORDER_CONSTANT,
        )
        if self._crop is self._cut:
            return self._cut, cut_from_frame
        resized(self._cut, self.side_px, self._spec.resize, self._crop)
        crop_from_cut = side_from_cut(self.side_px, len(self._cut), self._spec.resize)
        return self._crop, (crop_from_cut @ np.vstack([cut_from_frame, (0, 0, 1)]))[:2]

    def pixels(self, crop_bgr: BgrU8) -> NDArray[np.uint8]:
        """Give (boost^2, n, n, 3) BGR for a network that takes pixels as they are; written over by the next call."""
        k = self._boost
        for phase in range(k * k):
            self._pixels[phase] = crop_bgr[phase // k :: k, phase % k :: k]
        return self._pixels

    def numbers(self, crop_bgr: BgrU8) -> NDArray[np.float32]:
        """Give (boost^2, 3, n, n) or (boost^2, n, n, 3); written over by the next call."""
        k = self._boost
        for place in range(3):
            channel = place if self._spec.colour == "bgr" else 2 - place
            cv2.extractChannel(crop_bgr, channel, dst=self._plane)
            table = self._tables[:, place]
            for phase in range(k * k):
                part = self._plane[phase // k :: k, phase % k :: k]
                if self._spec.layout == "nhwc":
                    self._numbers[phase, ..., place] = cv2.LUT(np.ascontiguousarray(part), table)
                elif k == 1:
                    cv2.LUT(part, table, dst=self._numbers[phase, place])
                else:
                    np.take(table, part, out=self._numbers[phase, place])
        return self._numbers


class AlignedOutput:
    """Turns a network's numbers into a crop; what it computes with is reused by every call, the crop is not."""

    def __init__(self, picture: PictureSpec, pixels: PixelSpec, *, boost: int = 1) -> None:
        """Prepare for a network whose output is laid out like its picture."""
        self._picture, self._boost = picture, boost
        scales, offsets = pixels.by_colour or ((pixels.scale,) * 3, (pixels.offset,) * 3)
        self._scales = tuple(zip(scales, offsets, strict=True))
        self._numbers = np.empty((picture.size_px, picture.size_px), np.float32)
        is_laid_out = picture.layout == "nhwc" and picture.colour == "bgr"
        self._gives_pixels = is_laid_out and self._scales == ((1.0, 0.0),) * 3

    def crop(self, numbers: NDArray[Any]) -> BgrU8:
        """Give (side, side, 3), rounded; bytes are taken for pixels that are rounded already.

        Raises:
            ModelError: the numbers have another shape, or are none.
        """
        k, n = self._boost, self._picture.size_px
        is_planar = self._picture.layout == "nchw"
        expected = (k * k, 3, n, n) if is_planar else (k * k, n, n, 3)
        if numbers.shape != expected:
            raise ModelError(f"The swapper should give a picture {expected}, but gives {numbers.shape}.")
        crop_bgr = np.empty((k * n, k * n, 3), np.uint8)
        if numbers.dtype == np.uint8 and self._gives_pixels:
            for phase in range(k * k):
                crop_bgr[phase // k :: k, phase % k :: k] = numbers[phase]
            return crop_bgr
        for place in range(3):
            channel = place if self._picture.colour == "bgr" else 2 - place
            for phase in range(k * k):
                plane = numbers[phase, place] if is_planar else numbers[phase, ..., place]
                crop_bgr[phase // k :: k, phase % k :: k, channel] = self._rounded(plane, *self._scales[place])
        return crop_bgr

    def _rounded(self, plane: NDArray[Any], scale: float, offset: float) -> NDArray[np.float32]:
        """Bring a plane to 0..255.99, so that cutting off its fraction rounds it."""
        np.multiply(plane, np.float32(scale), out=self._numbers, casting="same_kind")
        np.add(self._numbers, np.float32(offset + 0.5), out=self._numbers)
        if not np.isfinite(self._numbers.sum()):
            raise ModelError("The swapper gives values that are no numbers; use an export in 32 bits.")
        np.clip(self._numbers, 0, 255, out=self._numbers)
        return self._numbers


def mask_of(numbers: NDArray[np.float32], side_px: int) -> MaskU8:
    """Turn a network's mask, 0..1 in any layout of one channel, into (side_px, side_px).

    Raises:
        ModelError: it has another size.
    """
    if numbers.size != side_px * side_px:
        raise ModelError(f"The swapper should give a mask of {side_px} x {side_px}, but gives {numbers.shape}.")
    return as_u8(np.clip(as_f32(numbers).reshape(side_px, side_px) * 255 + 0.5, 0, 255))
