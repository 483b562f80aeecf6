"""Whether a file gives the same person as its checkpoint, by an identity network that has nothing to do with either."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from mien_export.contracts import Network
from mien_export.graph import ExportError
from mien_export.proof.pixels import Numbers, from_numbers
from mien_export.runtime_input import runtime_input
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.library.inspect import look_at
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.specs.network import EmbedSpec, SwapSpec
from mien_models.specs.templates import template_points
from mien_models.types import BgrU8, as_f32

LEAST_HALF: Final = 0.99
LEAST_FULL: Final = 0.999
"""Two photos of one person reach 0.4 to 0.8: what is lost here is nothing that anybody sees."""


class IdentityJudge:
    """Holds swapped pictures against each other by an identity network."""

    def __init__(self, path: Path) -> None:
        """Open the network.

        Raises:
            ModelError: it is no network.
            ExportError: it is no identity network, or does not tell how it sees a face.
        """
        candidate = look_at(path)
        specs = [one for one in candidate.found.specs.values() if isinstance(one, EmbedSpec)]
        if not specs:
            raise ExportError(f"--identity should name an identity network, such as an ArcFace; {path.name!r} is none.")
        if len(specs) > 1:
            raise ExportError(
                f"--identity should name an identity network that tells how it sees faces, but {path.name!r} may be "
                f"{' or '.join(candidate.found.specs)}'s; export its checkpoint with mien-export, which writes it in."
            )
        self._spec, self.name = specs[0], path.name
        self._session = cast("Any", onnxruntime).InferenceSession(
            runtime_input(path), providers=["CPUExecutionProvider"]
        )
        self._input = AlignedInput(self._spec.picture)

    def cosines(
        self, network: Network, reference: Mapping[str, Numbers], answers: Mapping[str, Numbers]
    ) -> dict[str, float]:
        """Compare the pictures of two runs.

        Args:
            network: whose pictures they are.
            reference: the checkpoint's, by case.
            answers: the file's.

        Returns:
            The cosine of each case; empty for networks that give no picture.
        """
        spec = network.spec(has_map=True)
        if not isinstance(spec, SwapSpec):
            return {}
        return {
            name: float(np.dot(self._vector(reference[name], spec), self._vector(answers[name], spec)))
            for name in answers
        }

    def _vector(self, numbers: Numbers, spec: SwapSpec) -> Numbers:
        picture_bgr: BgrU8 = from_numbers(numbers, spec)
        crop = spec.crop
        points = as_f32(template_points(crop.template, crop.size_px, offset_px=crop.shift_px))
        aligned, _ = self._input.crop(picture_bgr, points)
        answer = self._session.run([self._spec.output], {self._spec.input: self._input.numbers(aligned)})[0]
        vector = np.asarray(answer, np.float32).reshape(-1)
        return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
