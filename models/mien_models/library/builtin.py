"""The networks that come with Mien: listed from their manifests, loaded only when their hash is right."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError
from mien_models.interfaces import Detector, DetectorFactory, Landmarker, LandmarkerFactory, Session, SessionFactory
from mien_models.networks.detectors.blazeface import BlazeFace
from mien_models.networks.eyes import Eyes
from mien_models.networks.eyewear import Eyewear
from mien_models.networks.finisher import Finisher
from mien_models.networks.hands import Hands
from mien_models.networks.rims import Rims
from mien_models.plugins import Plugins
from mien_models.specs.manifest import Manifest, parse_manifest

SESSIONS: Final[Plugins[SessionFactory]] = Plugins("mien_models.runtimes", "engine")
DETECTORS: Final[Plugins[DetectorFactory]] = Plugins("mien_models.networks.detectors", "detector")
LANDMARKERS: Final[Plugins[LandmarkerFactory]] = Plugins("mien_models.networks.landmarkers", "landmarker")


def manifest_names() -> tuple[str, ...]:
    """Name every set of weights that comes with Mien, sorted."""
    folder = files("mien_models") / "manifests"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml")))


def read_manifest(name: str) -> Manifest:
    """Read the manifest called `name`.

    Raises:
        ModelError: there is none, or it is wrong.
    """
    if name not in manifest_names():
        raise ModelError(f"No network is called {name!r}. Choose one of: {', '.join(manifest_names())}.")
    entry = files("mien_models") / "manifests" / f"{name}.toml"
    return parse_manifest(entry.read_text("utf-8"), f"manifests/{name}.toml")


def read_weights(manifest: Manifest) -> bytes:
    """Read a network's weights and check their hash.

    Raises:
        ModelError: the file is missing or its sha256 is not that of the manifest.
    """
    entry = files("mien_models") / "weights" / manifest.file
    try:
        content = entry.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The weights of {manifest.name!r} should be in {entry}, but cannot be read ({error}). Reinstall Mien."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise ModelError(
            f"The weights of {manifest.name!r} in {entry} are damaged: sha256 should be {manifest.sha256}, "
            f"is {found}. Reinstall Mien."
        )
    return content


def open_session(manifest: Manifest, *, threads: int = 1) -> Session:
    """Load a network into the engine that its manifest names, ready to run on `threads` CPU threads.

    Raises:
        ModelError: the weights are missing or damaged, or are not those that the manifest describes.
        UnknownPluginError: no engine has the name that the manifest gives.
    """
    session = SESSIONS.load(manifest.runtime)(read_weights(manifest), manifest, threads=threads)
    expected = {manifest.input.name: manifest.input.shape}
    if dict(session.input_shapes) != expected:
        raise ModelError(
            f"The network {manifest.name!r} should take {expected}, but takes {dict(session.input_shapes)}. "
            "Its manifest and its weights do not belong together; reinstall Mien."
        )
    return session


def load_detector(name: str = "blazeface_short_range", *, threads: int = 1) -> Detector:
    """Load a detector by the name of its weights.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("detector",))
    return DETECTORS.load(manifest.architecture)(manifest, open_session(manifest, threads=threads))


def load_landmarker(name: str = "facemesh_468", *, threads: int = 1) -> Landmarker:
    """Load a landmarker by the name of its weights.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("landmarker",))
    return LANDMARKERS.load(manifest.architecture)(manifest, open_session(manifest, threads=threads))


def load_eyewear(name: str = "eyewear", *, threads: int = 1) -> Eyewear:
    """Load the network that sees glasses.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("classifier",))
    return Eyewear(manifest, open_session(manifest, threads=threads))


def load_rims(name: str = "rims", *, threads: int = 1) -> Rims:
    """Load the network that finds the rims of glasses.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("classifier",))
    return Rims(manifest, open_session(manifest, threads=threads))


def load_hands(palms: str = "palm_detection_lite", landmarks: str = "hand_landmark_lite", *, threads: int = 1) -> Hands:
    """Load the two networks that find hands and their joints.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    finding, placing = (_manifest_of_kind(name, ("hand",)) for name in (palms, landmarks))
    detector = BlazeFace(finding, open_session(finding, threads=threads))
    return Hands(detector, placing, open_session(placing, threads=threads))


def load_eyes(name: str = "eyes", *, threads: int = 1) -> Eyes:
    """Load the network that sees lids and irises.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("classifier",))
    return Eyes(manifest, open_session(manifest, threads=threads))


def load_finisher(name: str = "finisher", *, threads: int = 1) -> Finisher:
    """Load the finishing network that comes with Mien.

    Raises:
        ModelError: see `open_session`; or the weights are of another kind.
    """
    manifest = _manifest_of_kind(name, ("finisher",))
    return Finisher(open_session(manifest, threads=threads), name, is_nhwc=True)


def _manifest_of_kind(name: str, kinds: Sequence[str]) -> Manifest:
    manifest = read_manifest(name)
    if manifest.kind not in kinds:
        raise ModelError(f"{name!r} is a {manifest.kind}, where a {' or '.join(kinds)} is needed.")
    return manifest
