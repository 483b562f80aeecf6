"""A .npy file that anybody made is numbers or one kind of error."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien_models.errors import ModelError
from mien_models.library.inspect import read_map
from mien_models.system.npy import numbers_of


def saved(array: Any) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_header(header: str) -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


DAMAGED = [
    b"",
    b"\x93NUMPY",
    saved(np.eye(3))[:-1],
    with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000000), }\n"),
    with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n"),
    with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"),
    with_header("[" * 5000 + "\n"),
    with_header("{'descr': '<U9', 'fortran_order': False, 'shape': (0,), }\n"),
    b"PK\x03\x04 an archive that is none",
    b"PK\x05\x06" + bytes(18),
    b"\x80\x04N.",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_what_is_damaged_or_promises_too_much_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.npy file"):
        numbers_of(content)
    (tmp_path / "emap.npy").write_bytes(content)
    with pytest.raises(ModelError, match="identity map"):
        read_map(tmp_path / "emap.npy")


def test_numbers_are_read() -> None:
    np.testing.assert_array_equal(numbers_of(saved(np.eye(3, dtype=np.float16))), np.eye(3))
