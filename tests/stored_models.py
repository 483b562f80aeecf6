"""A folder of models for tests."""

import hashlib
import shutil
from pathlib import Path

from mien_models.architectures._registry import UNKNOWN_TERMS, recognise
from mien_models.errors import ModelError
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import NetworkSpec, UserManifest
from mien_models.specs.stored import MANIFEST, StoredModel, manifest_toml, read_stored


class Shelf:
    """Models in a folder, found by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self,
        name: str,
        weights: Path,
        *,
        spec: NetworkSpec | None = None,
        answer: str = "",
        side_file: Path | None = None,
    ) -> StoredModel:
        """Add a file as whatever it is recognised as, or as `spec` says."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        content = weights.read_bytes()
        found = recognise(read_graph(content, name), name) if spec is None else None
        network = spec if found is None else found.specs[answer]
        assert network is not None
        (folder / "net.onnx").write_bytes(content)
        if side_file is not None:
            shutil.copy(side_file, folder / "emap.npy")
        manifest = UserManifest(
            name=name,
            file="net.onnx",
            sha256=hashlib.sha256(content).hexdigest(),
            origin=weights.name,
            licence=found.terms if found is not None else UNKNOWN_TERMS,
            network=network,
            side_file=None if side_file is None else "emap.npy",
        )
        (folder / MANIFEST).write_text(manifest_toml(manifest), "utf-8")
        return read_stored(folder)

    def find(self, name: str) -> StoredModel:
        if not (self.folder / name).is_dir():
            raise ModelError(f"No model is called {name!r}; add it with 'mien models add'.")
        return read_stored(self.folder / name)
