"""The same face in other light, through another camera: what differs between a photo and a webcam but the person."""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mien_models.types import BgrU8, as_f32, as_u8

GAMMA: Final = 2.2
SHOULDER: Final = 0.7
"""Brighter linear light than this is compressed, as cameras do."""


def smooth_field(rng: Generator, shape: tuple[int, ...], cells: int, spread: float) -> NDArray[np.float32]:
    """Draw a field of that shape that changes over so many cells, normally distributed."""
    coarse = rng.normal(0, spread, (cells, cells)).astype(np.float32)
    return as_f32(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def rephotographed(rng: Generator, image_bgr: BgrU8, *, strength: float, gently: bool) -> BgrU8:
    """Give a picture as another camera would have taken it in other light.

    Args:
        rng: where chance comes from.
        image_bgr: the picture.
        strength: how much the light differs, 1 is a lot.
        gently: rarely soft, noisy or badly compressed.
    """
    linear = _lit(rng, as_f32((as_f32(image_bgr) / 255) ** GAMMA), strength)
    linear = np.where(
        linear > SHOULDER, SHOULDER + (1 - SHOULDER) * np.tanh((linear - SHOULDER) / (1 - SHOULDER)), linear
    )
    picture = np.clip(linear, 0, 1) ** (np.exp(rng.normal(0, 0.15 * strength)) / GAMMA)
    if rng.random() < 0.5:
        grey = picture.mean(axis=2, keepdims=True)
        picture = grey + (picture - grey) * rng.uniform(0.6, 1.25)
    return _recorded(rng, as_f32(np.clip(picture * 255, 0, 255)), rare=0.3 if gently else 1.0)


def _lit(rng: Generator, linear: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Put linear light of 0..1 under other lamps."""
    height, width = linear.shape[:2]
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = strength * rng.normal(0, 0.35) * (across * np.cos(angle) + down * np.sin(angle))
    if rng.random() < 0.3:
        slope = slope + smooth_field(rng, linear.shape, 3, 0.25 * strength)
    hue = np.exp(rng.normal(0, 0.12 * strength, 3))
    if rng.random() < 0.2:  # a coloured lamp on one side
        lamp = np.exp(rng.normal(0, 0.25, 3))
        side = 1 / (1 + np.exp(-4 * (across * np.cos(angle + 1) + down * np.sin(angle + 1))))
        linear = as_f32(linear * (1 + side[..., None] * (lamp - 1)))
    exposure = np.exp(rng.normal(0, 0.3 * strength))
    return as_f32(np.clip(linear * np.exp(slope)[..., None] * (hue / hue.mean()) * exposure, 0, 4))


def _recorded(rng: Generator, picture: NDArray[np.float32], rare: float) -> BgrU8:
    """Soften, add noise and compress, each by chance."""
    if rng.random() < 0.4 * rare:
        picture = as_f32(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4)))
    if rng.random() < 0.5 * rare:
        noise = rng.normal(0, rng.uniform(1, 6), picture.shape).astype(np.float32)
        picture = as_f32(picture + cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.3, 0.7)))
    image = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5 * rare:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(45, 95))])[1]
        image = as_u8(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)))
    return as_u8(image)
