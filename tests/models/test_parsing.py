"""What asks Python's own parser may be asked by several threads."""

import gc
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest

from mien_models.architectures._registry import ARCHITECTURES
from mien_models.system.npy import numbers_of


class Interrupting:
    """Lets another thread run when the garbage collector comes by, wherever it comes."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.sleep(0)


@pytest.fixture
def restless() -> Iterator[None]:
    """Let the garbage collector come often, and threads interrupt one another as often as they can."""
    before, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(30)
    yield
    sys.setswitchinterval(before)
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("restless")
def test_plugins_and_files_of_numbers_are_read_side_by_side() -> None:
    file = BytesIO()
    np.save(file, np.arange(3))
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                Interrupting()
                numbers_of(file.getvalue())
                ARCHITECTURES.described()
        except BaseException as error:  # noqa: BLE001 - it is what is looked for
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
