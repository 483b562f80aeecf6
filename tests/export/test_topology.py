"""The recipe of the face mesh's topology, on a bundle made from the topology that Mien carries."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien_export.recipes.topology import take_topology
from mien_models.errors import ModelError
from mien_models.geometry.face_mesh import ATLAS_MARGIN, face_topology


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def bundle(folder: Path, canonical_cm: np.ndarray) -> Path:
    topology = face_topology()
    uv = (topology.atlas[:468] - ATLAS_MARGIN) / (1 - 2 * ATLAS_MARGIN)
    floats = np.column_stack([canonical_cm, uv]).astype("<f4").ravel()
    mesh = b"".join(b"\x1d" + number.tobytes() for number in floats)
    mesh += b"".join(b"\x20" + varint(int(index)) for index in topology.triangles[:898].ravel())
    path = folder / "face_landmarker.task"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("geometry_pipeline_metadata_landmarks.binarypb", b"\x0a" + varint(len(mesh)) + mesh)
    return path


def test_the_official_bundle_gives_the_topology_that_mien_carries(tmp_path: Path) -> None:
    task = bundle(tmp_path, face_topology().canonical_cm)
    assert "that Mien carries" in take_topology(task, None)
    take_topology(task, tmp_path / "again.npz")
    again = np.load(tmp_path / "again.npz")
    np.testing.assert_array_equal(again["vertices_cm"], face_topology().canonical_cm)


def test_another_mesh_is_refused(tmp_path: Path) -> None:
    moved = face_topology().canonical_cm + np.float32(0.5)
    with pytest.raises(ModelError, match="not the one that Mien carries"):
        take_topology(bundle(tmp_path, moved), None)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.task").write_bytes(b"no zip file")
    with pytest.raises(ModelError, match=r"should be a face_landmarker\.task"):
        take_topology(tmp_path / "photo.task", None)
