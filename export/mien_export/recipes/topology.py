"""Takes the triangles of the face mesh out of MediaPipe's `face_landmarker.task`.

The bundle is a zip file; its `geometry_pipeline_metadata_landmarks.binarypb` is a protobuf whose first field holds the
canonical face (mediapipe/modules/face_geometry/protos/mesh_3d.proto): 468 vertices of five floats (x, y, z in
centimetres, then u and v) and 898 triangles.
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from mien_models.errors import ModelError
from mien_models.geometry.face_mesh import face_topology

_METADATA: Final = "geometry_pipeline_metadata_landmarks.binarypb"
_CANONICAL_MESH, _VERTEX_BUFFER, _INDEX_BUFFER = 1, 3, 4
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_VERTICES, _TRIANGLES = 468, 898


def take_topology(task: Path, output: Path | None) -> str:
    """Read the bundle, compare it with the topology that Mien carries, and write it anew if `output` is given.

    Returns:
        One line that says what was found.

    Raises:
        ModelError: the file is no such bundle, or holds another mesh.
    """
    vertices, triangles = _canonical_mesh(_metadata(task))
    ours = face_topology()
    same = np.array_equal(vertices[:, :3], ours.canonical_cm) and np.array_equal(
        triangles, ours.triangles[: len(triangles)]
    )
    if not same:
        raise ModelError(f"The face mesh in {task.name!r} is not the one that Mien carries; take the official bundle.")
    if output is None:
        return f"{task.name} holds the face mesh that Mien carries."
    content = BytesIO()
    np.savez_compressed(content, vertices_cm=vertices[:, :3], uv=vertices[:, 3:], triangles=triangles)
    output.write_bytes(content.getvalue())
    return f"wrote {output}"


def _metadata(task: Path) -> bytes:
    try:
        with zipfile.ZipFile(task) as bundle:
            return bundle.read(_METADATA)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{str(task)!r} should be a face_landmarker.task bundle with {_METADATA}: {error}.") from error


def _canonical_mesh(metadata: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Give (468, 5) float32 vertices and (898, 3) int32 triangles."""
    mesh = next((value for number, value in _fields(metadata) if number == _CANONICAL_MESH), None)
    if not isinstance(mesh, bytes):
        raise ModelError("The bundle's metadata holds no canonical mesh; take the official face_landmarker.task.")
    fields = list(_fields(mesh))
    floats = b"".join(value for number, value in fields if number == _VERTEX_BUFFER and isinstance(value, bytes))
    indices = [value for number, value in fields if number == _INDEX_BUFFER and isinstance(value, int)]
    if len(floats) != _VERTICES * 5 * 4 or len(indices) != _TRIANGLES * 3:
        raise ModelError(
            f"The bundle's mesh should have {_VERTICES} vertices and {_TRIANGLES} triangles, found "
            f"{len(floats) / 20:g} and {len(indices) / 3:g}; take the official face_landmarker.task."
        )
    return np.frombuffer(floats, "<f4").reshape(-1, 5), np.array(indices, np.int32).reshape(-1, 3)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Walk the fields of a protobuf message: number and value, as an integer or as raw bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind in {_BYTES, _FIXED32}:
            length, at = _varint(message, at) if kind == _BYTES else (4, at)
            yield number, message[at : at + length]
            at += length
        else:
            raise ModelError(f"The bundle's metadata has a field of wire type {kind}, which a mesh has not.")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ModelError("The bundle's metadata ends in the middle of a number; it is damaged.")
