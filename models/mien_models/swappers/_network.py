"""The swapper that every family of networks shares: align, run, place."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.architectures._processing import Processed, Processing, own_processing
from mien_models.errors import ModelError
from mien_models.geometry.outline import FaceOutline
from mien_models.geometry.tensor_image import AlignedInput, AlignedOutput, mask_of
from mien_models.interfaces import Session
from mien_models.networks.embedding import Identities
from mien_models.specs.network import SwapSpec
from mien_models.specs.stored import StoredModel
from mien_models.types import BgrU8, Face, FaceView, MaskU8, SourceFace, SwapOptions, SwappedFace, as_u8

_MASK_FADE: Final = 0.012
"""Standard deviation with which a network's mask is faded, in parts of the crop's side; its edge is a pixel sharp."""
_FADE_REACH: Final = 3.5
"""So many standard deviations from an edge its fade has ended."""
_CLOSED: Final = 1
"""A mask of no more levels than this changes nothing that is seen."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSwapper:
    """A swapper network that runs."""

    stored: StoredModel
    spec: SwapSpec
    session: Session


class NetworkSwapper:
    """Swaps faces with one network; keeps the vectors of targets where the user asks for part of their identity."""

    def __init__(self, opened: OpenedSwapper, source: SourceFace, identities: Identities, options: SwapOptions) -> None:
        """Give the network the source face, once.

        Raises:
            ModelError: a network that the identity needs is missing, this one cannot be boosted, or no template has
                the name that the user gives.
        """
        spec = opened.spec
        if options.template is not None:
            spec = replace(spec, crop=replace(spec.crop, template=options.template))
        self._opened, self._spec, self._session = opened, spec, opened.session
        if options.boost > 1 and not self._spec.boosts:
            raise ModelError(f"{opened.stored.manifest.name!r} cannot be boosted; leave --boost away.")
        self._identities, self._options = identities, options
        self._input = AlignedInput(self._spec.crop, boost=options.boost)
        self._output = AlignedOutput(self._spec.crop, self._spec.output, boost=options.boost)
        self._own = own_processing(self._spec, options)
        self._outline = FaceOutline(self._input.side_px)
        self._source = self._source_numbers(source)
        self._mixed: dict[int, NDArray[np.float32]] = {}
        self._joined: NDArray[Any] = np.empty(0, np.float32)
        self._parts = _parts_at_once(self._session.input_shapes[self._spec.names.target][0], options.boost)

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:  # noqa: ARG002 - the contract
        """Swap one face of one frame."""
        crop_bgr, crop_from_frame = self._input.crop_of(frame_bgr, face)
        source = self._for_target(frame_bgr, face)
        done = self._by_spec(crop_bgr, source) if self._own is None else self._by_itself(self._own, crop_bgr, source)
        outline = self._outline
        return SwappedFace(
            face_id=face.id,
            crop_bgr=done.crop_bgr,
            alpha=outline.alpha(face, crop_from_frame) if done.mask is None else outline.bordered(done.mask),
            frame_from_crop=np.asarray(cv2.invertAffineTransform(crop_from_frame), np.float64),
        )

    def forget(self, face_id: int) -> None:
        """Drop the vector and the pose of a target."""
        self._mixed.pop(face_id, None)
        self._input.forget(face_id)

    def _by_itself(self, own: Processing, crop_bgr: BgrU8, source: NDArray[np.float32] | None) -> Processed:
        """Swap as the architecture's own file says."""
        done = own.picture(self._session.run(own.feeds(crop_bgr, source)))
        if done.crop_bgr.shape != crop_bgr.shape:
            raise ModelError(
                f"{self._opened.stored.manifest.name!r} should give a crop of {crop_bgr.shape}, but gives "
                f"{done.crop_bgr.shape}. Correct its architecture {self._spec.architecture!r}."
            )
        return done

    def _by_spec(self, crop_bgr: BgrU8, source: NDArray[np.float32] | None) -> Processed:
        """Swap as every architecture does whose spec says it all."""
        given = self._input.pixels(crop_bgr) if self._spec.crop.takes_pixels else self._input.numbers(crop_bgr)
        pictures, answers = self._run(given, source)
        return Processed(self._output.crop(pictures), self._mask(answers))

    def _run(
        self, numbers: NDArray[Any], source: NDArray[np.float32] | None
    ) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        names, whole = self._spec.names, len(numbers)
        feeds: dict[str, NDArray[Any]] = {}
        if names.source is not None and source is not None:
            feeds[names.source] = source
        if names.morph is not None:
            morph = self._spec.morph if self._options.morph is None else self._options.morph
            feeds[names.morph] = np.array([morph], np.float32)
        if whole == self._parts:
            answers = dict(self._session.run({names.target: numbers, **feeds}))
            return answers[names.output], answers
        for first in range(0, whole, self._parts):
            some = slice(first, first + self._parts)
            part = self._session.run({names.target: numbers[some], **feeds})[names.output]
            if self._joined.shape != numbers.shape or self._joined.dtype != part.dtype:
                self._joined = np.empty(numbers.shape, part.dtype)
            self._joined[some] = part
        return self._joined, {}

    def _mask(self, answers: dict[str, NDArray[Any]]) -> MaskU8 | None:
        masks = [mask_of(answers[name], self._spec.crop.size_px) for name in self._spec.names.masks if name in answers]
        if not masks:
            return None
        product = masks[0]
        for other in masks[1:]:
            product = as_u8(cv2.multiply(product, other, scale=1 / 255))
        if self._spec.blends:
            product = _support(product)
        return as_u8(cv2.GaussianBlur(product, (0, 0), _MASK_FADE * product.shape[0]))

    def _source_numbers(self, source: SourceFace) -> NDArray[np.float32] | None:
        identity = self._spec.identity
        if identity.form == "vector":
            return self._identities.vector(source.views, identity, self._opened.stored)
        if identity.form == "picture" and identity.picture is not None:
            aligned = AlignedInput(identity.picture)
            crop_bgr, _ = aligned.crop_of(source.best.photo_bgr, source.best.face)
            return aligned.numbers(crop_bgr).copy()
        return None

    def _for_target(self, frame_bgr: BgrU8, face: Face) -> NDArray[np.float32] | None:
        """Mix the source's vector with the target's own as strongly as the user asked for; once for each target."""
        strength, source = self._options.strength, self._source
        if source is None or strength == 1 or self._spec.identity.form != "vector":
            return source
        mixed = self._mixed.get(face.id)
        if mixed is None:
            own = self._identities.vector([FaceView(frame_bgr, face)], self._spec.identity, self._opened.stored)
            mixed = strength * source + (1 - strength) * own
            mixed *= np.linalg.norm(source) / max(float(np.linalg.norm(mixed)), 1e-6)
            self._mixed[face.id] = mixed.astype(np.float32)
        return self._mixed[face.id]


def _support(mask: MaskU8) -> MaskU8:
    """Say where a network that blends by itself changed anything: there its picture counts whole.

    Laid over the frame with the mask again, the new face would have the square of the opacity that the network gave it.
    """
    reach = ceil(_FADE_REACH * _MASK_FADE * mask.shape[0])
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    _, changed = cv2.threshold(mask, _CLOSED, 255, cv2.THRESH_BINARY)
    return as_u8(cv2.dilate(changed, around))


def _parts_at_once(batch: int, boost: int) -> int:
    """Say how many of a boosted crop's pictures go in at once: all where the network's batch is free, else its own."""
    return boost * boost if batch < 1 else min(batch, boost * boost)
