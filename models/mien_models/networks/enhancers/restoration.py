"""Networks that restore faces: GPEN, GFPGAN and RestoreFormer differ in their inside, not in what goes in and out."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import monotonic_ns
from typing import Final

import cv2
import numpy as np

from mien_models.errors import ModelError
from mien_models.interfaces import Enhancer, EnhancerFactory
from mien_models.networks.enhancers._base import EnhancerPlugin
from mien_models.networks.user_network import moved_to, open_user_network, square_picture
from mien_models.types import BgrU8, as_f32, as_u8

_TRIAL_RUNS: Final = 2
"""After one that warms up, so many are timed."""
_FLAT: Final = 1.0
"""An answer to a picture that varies by less than this, of 255, in standard deviation is broken."""
_WEIGHT: Final = "weight"
"""An input that some files have: a number, 0 the most of the person, 1 the most of the network's idea of a face."""


class RestorationNetwork:
    """Restores aligned faces with a user's ONNX file, (1, 3, n, n) RGB -1..1 in and out; keeps nothing of a face."""

    def __init__(
        self, network: Path, templates: Mapping[int, str], *, threads: int, provider: str = "auto", weight: float = 0.5
    ) -> None:
        """Load and try the network.

        Args:
            network: the file.
            templates: how the face is aligned for each size of picture, in pixels, that the family takes.
            threads: of the processor.
            provider: what it shall run on: a key of `mien_models.runtimes.ort.providers.PROVIDERS`, or 'auto'.
            weight: see the file's input of that name; ignored where there is none.

        Raises:
            ModelError: the file is no such network, or what it answers is no picture.
        """
        self._session = open_user_network(network, threads=threads)
        self._input, side = square_picture(self._session, network, layout="nchw")
        self._path, self.side_px = network, side if side > 0 else max(templates)
        if self.side_px not in templates:
            raise ModelError(
                f"{str(network)!r} takes pictures of {self.side_px} px, where one of {sorted(templates)} px was "
                "expected. Give a network of the family that you named."
            )
        self.template = templates[self.side_px]
        shapes = self._session.input_shapes
        others = [name for name in shapes if name != self._input]
        if any(name != _WEIGHT for name in others):
            raise ModelError(
                f"{str(network)!r} asks for {', '.join(map(repr, others))} beside the picture, where at most 'weight' "
                "was expected. Give a network that restores faces."
            )
        self._weight = {name: np.full([max(1, n) for n in shapes[name]], weight) for name in others}
        known = {self._input: np.zeros((1, 3, self.side_px, self.side_px), np.float32), **self._weight}
        self._session = moved_to(provider, self._session, network, known, threads=threads)
        self.cost_ms = self._tried()
        """What one face took when the network was loaded."""

    @property
    def provider(self) -> str:
        """What really runs the network."""
        return self._session.provider

    def enhance(self, patch_bgr: BgrU8) -> BgrU8:
        """Restore one face, (side_px, side_px, 3) in and out."""
        rgb = as_f32(cv2.cvtColor(patch_bgr, cv2.COLOR_BGR2RGB)) / 127.5 - 1
        answer = next(iter(self._session.run({self._input: rgb.transpose(2, 0, 1)[None], **self._weight}).values()))
        if answer.shape != (1, 3, self.side_px, self.side_px):
            raise ModelError(
                f"{str(self._path)!r} should answer with a picture of {self.side_px} px, but gives {answer.shape}. "
                "Give a network that restores faces."
            )
        if not np.isfinite(answer).all():
            raise ModelError(f"{str(self._path)!r} answers with what are no numbers; export it anew in 32 bits.")
        pixels = np.clip(as_f32(answer[0]).transpose(1, 2, 0), -1, 1) * 127.5 + 128
        return as_u8(cv2.cvtColor(np.minimum(pixels, 255).astype(np.uint8), cv2.COLOR_RGB2BGR))

    def _tried(self) -> float:
        """Run it on grey waves; give what a run takes, in milliseconds."""
        wave = np.sin(np.arange(self.side_px) / self.side_px * 12)
        patch_bgr = np.repeat((128 + 60 * wave[:, None] * wave)[..., None], 3, axis=2).astype(np.uint8)
        if float(self.enhance(patch_bgr).std()) < _FLAT:
            raise ModelError(f"{str(self._path)!r} answers with a single colour; export it anew in 32 bits.")
        times_ms: list[float] = []
        for _ in range(_TRIAL_RUNS):
            started_ns = monotonic_ns()
            self.enhance(patch_bgr)
            times_ms.append((monotonic_ns() - started_ns) / 1e6)
        return median(times_ms)


def _restoring(templates: Mapping[int, str]) -> EnhancerFactory:
    """Make the factory of a family, of which is known how its faces are aligned, by the side of its picture."""

    def make(target: str, *, threads: int = 1, provider: str = "auto") -> Enhancer:
        return RestorationNetwork(Path(target), templates, threads=threads, provider=provider)

    return make


PLUGINS: Final[Mapping[str, EnhancerPlugin]] = {
    "gfpgan": EnhancerPlugin(
        make=_restoring({512: "ffhq_512"}),
        help="clear skin and eyes, for recordings rather than live (GFPGAN 1.2 to 1.4, Apache-2.0)",
        target="FILE.onnx",
    ),
    "gpen": EnhancerPlugin(
        make=_restoring({256: "arcface_128", 512: "ffhq_512", 1024: "ffhq_512", 2048: "ffhq_512"}),
        help="at 256 px the only one that comes near to live speed (GPEN-BFR, for non-commercial use)",
        target="FILE.onnx",
    ),
    "restoreformer": EnhancerPlugin(
        make=_restoring({512: "ffhq_512"}),
        help="keeps the person best, for recordings rather than live (RestoreFormer and ++, Apache-2.0)",
        target="FILE.onnx",
    ),
}
