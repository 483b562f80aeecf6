"""Memory that is given back is given back, and nothing is lost with it."""

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from mien_models.system.freed_memory import page_out_files


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_a_large_mapped_file_is_let_go_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    numbers = np.arange(20 << 20, dtype=np.float32)
    numbers.tofile(file)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapped:
        seen = np.frombuffer(mapped, np.float32)
        mapped.madvise(mmap.MADV_WILLNEED)
        assert float(seen[::1024].sum()) > 0
        before = _resident_bytes(file)
        page_out_files()
        after = _resident_bytes(file)
        np.testing.assert_array_equal(seen, numbers)
        del seen
    assert before > 4 << 20
    assert after < before / 4


def _resident_bytes(file: Path) -> int:
    found, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.split()[0]:
            is_ours = line.endswith(str(file))
        elif is_ours and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found
