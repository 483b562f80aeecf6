"""What a network is asked, and whether what it answers is what it answers on the processor."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_export.proof.gates import Gates
from mien_export.proof.measuring import Measured, compare
from mien_models.architectures._registry import STAMP, recognise
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.onnx_format.check import read_network_file
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import ConvertSpec, EmbedSpec, NetworkSpec, PictureSpec, PixelSpec, SwapSpec
from mien_models.types import BgrU8, as_f32, as_u8

_RESTORED: Final = PixelSpec(127.5, 127.5)
"""Of an enhancer, which has no stamp: its pictures are -1..1."""
_RESTORER_PX: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One file of a network, ready to be asked."""

    content: bytes
    spec: NetworkSpec | None
    """None for an enhancer."""
    feeds: Mapping[str, NDArray[Any]]

    @property
    def is_fused(self) -> bool:
        """Whether it is between bytes."""
        return isinstance(self.spec, SwapSpec) and self.spec.crop.takes_pixels

    @property
    def side_px(self) -> int:
        """Of the picture that goes in; 0 without one."""
        return max(
            (array.shape[1 if array.shape[-1] == 3 else 2] for array in self.feeds.values() if array.ndim == 4),
            default=0,
        )

    def answers(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Bring what comes out to 0..1 and rows, so that the file between bytes and the plain one can be compared."""
        return {name: self._one(name, as_f32(array)) for name, array in given.items()}

    def _one(self, name: str, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        output = self._pixels_of(name)
        if output is None:
            return numbers
        levels = numbers * output.scale + output.offset
        spec = self.spec
        if not isinstance(spec, SwapSpec) or spec.crop.layout == "nchw":
            levels = levels.transpose(0, 2, 3, 1)
        if isinstance(spec, SwapSpec) and spec.crop.colour == "rgb":
            levels = levels[..., ::-1]
        return as_f32(np.ascontiguousarray(levels / 255))

    def _pixels_of(self, name: str) -> PixelSpec | None:
        """Say how an output becomes pixels; None for masks and vectors, which stay as they are."""
        if self.spec is None:
            return _RESTORED
        return self.spec.output if isinstance(self.spec, SwapSpec) and name == self.spec.names.output else None


def ask(path: Path, pictures: int = 1) -> Question:
    """Read a file and make what goes in: a picture of skin's colours and some noise, the same for each of its files.

    Args:
        path: the ONNX file.
        pictures: at once.
    """
    content = read_network_file(path)
    graph = read_graph(content, path.name)
    spec = next(iter(recognise(graph, path.name).specs.values())) if STAMP in graph.stamps else None
    random = np.random.default_rng(5)
    feeds: dict[str, NDArray[Any]] = {}
    if spec is None:
        pixels = as_f32(_picture(random, _RESTORER_PX)) / 127.5 - 1
        feeds = {name: pixels[..., ::-1].transpose(2, 0, 1)[None].copy() for name in graph.inputs}
    elif isinstance(spec, ConvertSpec):
        feeds = {spec.input: _vector(random, spec.length)}
    elif isinstance(spec, EmbedSpec):
        feeds = {spec.input: _numbers(spec.picture, random)}
    else:
        feeds = {spec.names.target: _numbers(spec.crop, random)}
        if spec.names.source is not None:
            own = spec.identity.picture
            feeds[spec.names.source] = _vector(random, spec.identity.length) if own is None else _numbers(own, random)
        if spec.names.morph is not None:
            feeds[spec.names.morph] = np.array([0.5], np.float32)
    if pictures > 1 and isinstance(spec, SwapSpec):
        feeds[spec.names.target] = np.repeat(feeds[spec.names.target], pictures, axis=0)
    return Question(content, spec, feeds)


def judge(
    question: Question,
    expected: Mapping[str, NDArray[np.float32]],
    found: Mapping[str, NDArray[np.float32]],
    *,
    is_half: bool,
) -> tuple[list[Measured], list[str]]:
    """Hold an answer against the processor's by the gates of the proof; give the differences and what fails."""
    spec = question.spec if question.spec is not None else ConvertSpec("converter", "", "", "", 0)
    gates = Gates.of(spec, is_half=is_half, is_fused=question.is_fused)
    span = 1.0 if question.side_px and not isinstance(question.spec, EmbedSpec) else None
    measured = [compare(("a picture", name), one, found[name], span) for name, one in expected.items()]
    return measured, [f"{one.output}: {fault}" for one in measured for fault in gates.failures(one)]


def _numbers(spec: PictureSpec, random: np.random.Generator) -> NDArray[Any]:
    crop_bgr, given = _picture(random, spec.size_px), AlignedInput(spec)
    return (given.pixels(crop_bgr) if spec.takes_pixels else given.numbers(crop_bgr)).copy()


def _picture(random: np.random.Generator, side_px: int) -> BgrU8:
    wave = np.sin(np.arange(side_px) / side_px * 9)
    skin = np.array([115.0, 140.0, 190.0]) + 50 * (wave[:, None] * wave)[..., None]
    return as_u8(np.clip(skin + 6 * random.standard_normal((side_px, side_px, 3)), 0, 255).astype(np.uint8))


def _vector(random: np.random.Generator, length: int) -> NDArray[np.float32]:
    vector = random.standard_normal((1, length), np.float32)
    return as_f32(vector / np.linalg.norm(vector))
