"""What a network is proven on: noise, flat colours, black, and real faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from mien_export.contracts import Network, Port
from mien_export.proof.faces import known_faces
from mien_export.proof.pixels import Numbers, on_the_grid
from mien_export.seeded import seeded_inputs
from mien_models.geometry.tensor_image import AlignedInput
from mien_models.specs.network import ConvertSpec, EmbedSpec, PictureSpec, SwapSpec

_SEEDS: Final = (11, 12, 13)
_LENGTHS: Final = (1.0, 23.0, 0.05)
"""Of the vectors, as many times as long as usual, for what brings them to length 1 itself."""
_COSTLY_GMAC: Final = 100.0
"""What takes more than this many multiplications is asked less: one picture of 256 px takes ReSwapper 700."""
_COSTLY: Final = ("noise 11", "noise 12", "black", "grey", "red")
"""What is asked then beside the faces: nothing that the others would show is missing, but for chance."""
_BATCHES: Final = (2, 4)
_FLAT: Final[Mapping[str, tuple[float, float, float]]] = {
    "black": (0, 0, 0),
    "grey": (0.5, 0.5, 0.5),
    "white": (1, 1, 1),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
}
"""First, second and third channel, 0..1. In a flat picture every deviation is zero: what divides by it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One question to a network."""

    name: str
    inputs: Mapping[str, Numbers]
    """By port, each with a batch of one where the port has one."""
    is_face: bool = False


def make_cases(network: Network, faces: Path | None = None, *, scales_vectors: bool = False) -> tuple[Case, ...]:
    """Make every case of a network.

    Args:
        network: its ports say the shapes.
        faces: a folder of pictures; None takes scikit-image's portrait.
        scales_vectors: whether its graph brings vectors to length 1 itself, so that others are tried too; converters
            always do.

    Raises:
        FacesError: no face is in the folder.
    """
    scales = scales_vectors or isinstance(network.spec(has_map=True), ConvertSpec)
    noise = [_seeded(network, seed, length if scales else 1.0) for seed, length in zip(_SEEDS, _LENGTHS, strict=True)]
    cases = [Case(f"noise {seed}", inputs) for seed, inputs in zip(_SEEDS, noise, strict=True)]
    pictures = [port for port in network.inputs if _is_picture(port)]
    for name, colour in _FLAT.items() if pictures else ():
        cases.append(Case(name, {**noise[0], **{port.name: _flat(port, colour) for port in pictures}}))
    aligned = _aligned_ports(network)
    for name, picture_bgr, five_points in known_faces(faces) if aligned else ():
        crops: dict[str, Numbers] = {}
        for port, spec in aligned.items():
            cutter = AlignedInput(spec)
            crops[port] = cutter.numbers(cutter.crop(picture_bgr, five_points)[0]).copy()
        cases.append(Case(name, {**noise[0], **crops}, is_face=True))
    return tuple(_from_bytes(one, network) for one in cases)


def choose(cases: Sequence[Case], cost_gmac: float) -> tuple[list[Case], tuple[int, ...]]:
    """Choose what a network of some cost is asked, and in which batches beside one by one."""
    if cost_gmac <= _COSTLY_GMAC:
        return list(cases), _BATCHES
    return [case for case in cases if case.is_face or case.name in _COSTLY], _BATCHES[:1]


def looked_into(cases: Sequence[Case]) -> list[Mapping[str, Numbers]]:
    """Choose what a network is looked into with: faces, and a noise; noise alone where it takes no picture."""
    faces = [case.inputs for case in cases if case.is_face]
    return [*faces, cases[0].inputs] if faces else [case.inputs for case in cases]


def _from_bytes(case: Case, network: Network) -> Case:
    """Round the picture that is swapped to what bytes give: nothing else comes from a camera."""
    spec = network.spec(has_map=True)
    if not isinstance(spec, SwapSpec):
        return case
    target = spec.names.target
    return replace(case, inputs={**case.inputs, target: on_the_grid(case.inputs[target], spec)})


def _seeded(network: Network, seed: int, length: float) -> dict[str, Numbers]:
    vectors = {port.name for port in network.inputs if port.is_vector}
    return {
        name: np.asarray(one.numpy() * (length if name in vectors else 1.0), np.float32)
        for name, one in seeded_inputs(network, seed, 1).items()
    }


def _is_picture(port: Port) -> bool:
    return port.has_batch and not port.is_vector


def _flat(port: Port, colour: tuple[float, float, float]) -> Numbers:
    levels = np.array(colour, np.float32) * (1 - port.low) + port.low
    is_planar = port.shape[0] == len(levels)
    shape = (1, 3, 1, 1) if is_planar else (1, 1, 1, 3)
    return np.ascontiguousarray(np.broadcast_to(levels.reshape(shape), (1, *port.shape)))


def _aligned_ports(network: Network) -> dict[str, PictureSpec]:
    spec = network.spec(has_map=True)
    match spec:
        case SwapSpec():
            ports = {spec.names.target: spec.crop}
            if spec.identity.picture is not None and spec.names.source is not None:
                ports[spec.names.source] = spec.identity.picture
            return ports
        case EmbedSpec():
            return {spec.input: spec.picture}
        case ConvertSpec():
            return {}
