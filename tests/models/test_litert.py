"""The LiteRT engine inside a program that has other threads."""

import os
from concurrent.futures import ThreadPoolExecutor

from mien_models.library.builtin import open_session, read_manifest


def test_networks_loaded_by_several_threads_at_once_leave_stderr_where_it_was() -> None:
    before = os.fstat(2)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_session, [read_manifest("facemesh_468")] * 32))
    after = os.fstat(2)
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)
