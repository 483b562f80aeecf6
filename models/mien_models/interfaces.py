"""The small interfaces between networks and whoever uses them; nothing to inherit."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, DetectedFace, Face, SourceFace, SwapOptions, SwappedFace


class Session(Protocol):
    """A network file, loaded and ready; not to be used by two threads at once."""

    @property
    def provider(self) -> str:
        """What really runs it, for instance 'litert-cpu' or 'CUDAExecutionProvider'."""
        ...

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input by name; -1 where it is free."""
        ...

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Run once. The arrays returned may be reused by the next call: copy what must live longer."""
        ...


class SessionFactory(Protocol):
    """Loads a network from the content of its file."""

    def __call__(self, content: bytes, manifest: Manifest, *, threads: int = 1) -> Session:
        """Load it, to run on `threads` CPU threads.

        Raises:
            ModelError: the content is no network that this engine runs.
        """
        ...


class Detector(Protocol):
    """Finds faces in a picture."""

    @property
    def providers(self) -> Mapping[str, str]:
        """What each of its networks really runs on, by the name of its weights."""
        ...

    def detect(
        self, image_bgr: BgrU8, *, min_score: float = 0.5, region: "FaceRegion | None" = None
    ) -> Sequence[DetectedFace]:
        """Find faces, best first, overlapping ones merged; in one region only where it is given."""
        ...


class DetectorFactory(Protocol):
    """Makes a detector of one architecture from a network."""

    def __call__(self, manifest: Manifest, session: Session) -> Detector:
        """Make it around a session that runs the manifest's weights.

        Raises:
            ModelError: the network is not of this architecture.
        """
        ...


class Landmarker(Protocol):
    """Places the landmarks of one face whose whereabouts are known."""

    @property
    def providers(self) -> Mapping[str, str]:
        """What each of its networks really runs on, by the name of its weights."""
        ...

    def landmarks(self, image_bgr: BgrU8, region: "FaceRegion") -> tuple[NDArray[np.float32], float]:
        """Place (468, 3) landmarks in pixels of the picture, and say how sure it is of a face, 0..1."""
        ...


class LandmarkerFactory(Protocol):
    """Makes a landmarker of one architecture from a network."""

    def __call__(self, manifest: Manifest, session: Session) -> Landmarker:
        """Make it around a session that runs the manifest's weights.

        Raises:
            ModelError: the network is not of this architecture.
        """
        ...


class FaceRegion(Protocol):
    """A turned square in a picture in which a landmark network looks for its face."""

    @property
    def centre_xy(self) -> tuple[float, float]:
        """Its centre in pixels."""
        ...

    @property
    def side_px(self) -> float:
        """Its side in pixels."""
        ...

    @property
    def roll_rad(self) -> float:
        """How far it is turned, clockwise in the picture."""
        ...


@runtime_checkable
class Swapper(Protocol):
    """Puts the source face, fixed when the swapper was made, in the place of a followed face."""

    def swap(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> SwappedFace:
        """Swap one face of one frame. Reads the frame, never writes into it; one thread at a time calls it.

        May keep what it learns of a face under `face.id` (light, texture) until `forget`; what is smoothed in time goes
        by `captured_ns`, the frame's own.
        """
        ...

    def forget(self, face_id: int) -> None:
        """Drop what is kept of a face that is gone or was cut away."""
        ...


class SwapperFactory(Protocol):
    """Makes a swapper for one source face; what takes long (textures, identity vectors) happens here, once."""

    def __call__(self, source: SourceFace, options: SwapOptions) -> Swapper:
        """Prepare the source face.

        Raises:
            PhotoError: the face in the photo cannot be used.
            ModelError: the network behind the swapper does not run.
        """
        ...


class Enhancer(Protocol):
    """Makes an aligned face clearer. Keeps nothing between two calls; one thread at a time calls it."""

    @property
    def template(self) -> str:
        """How the face has to be aligned: a name of `mien_models.specs.templates`."""
        ...

    @property
    def side_px(self) -> int:
        """Side of the square picture that it takes and gives."""
        ...

    @property
    def cost_ms(self) -> float:
        """What one face took when it was loaded."""
        ...

    @property
    def provider(self) -> str:
        """What really runs it."""
        ...

    def enhance(self, patch_bgr: BgrU8) -> BgrU8:
        """Give (side_px, side_px, 3) for as much.

        Raises:
            ModelError: the network answers with what is no picture.
        """
        ...


class EnhancerFactory(Protocol):
    """Makes an enhancer, of a user's file or of weights of its own."""

    def __call__(self, target: str, *, threads: int = 1, provider: str = "auto") -> Enhancer:
        """Load it and try it once, on the provider that the user names ('auto': the fastest that works).

        Args:
            target: what follows its name and a colon, the path of the user's network; '' for nothing.
            threads: of the processor.
            provider: a key of `mien_models.runtimes.ort.providers.PROVIDERS`, or 'auto'.

        Raises:
            ModelError: the file is no network of this family, or does not run.
        """
        ...
