"""These tests build torch modules: without torch each file is skipped, with the way to run it."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest

HAS_TORCH: Final = importlib.util.find_spec("torch") is not None
if HAS_TORCH and "PYTEST_XDIST_WORKER" in os.environ:
    # Two processes share the cores; torch would take all of them in each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


class WithoutTorch(pytest.Module):
    """A test file that cannot be imported here."""

    def collect(self) -> NoReturn:
        """Skip it."""
        pytest.skip(
            "torch is not installed; uv run scripts/with_torch.py pytest tests/export/networks", allow_module_level=True
        )


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Put the stand-in in the place of each file where torch is missing."""
    if HAS_TORCH:
        return None
    stand_in: WithoutTorch = WithoutTorch.from_parent(parent, path=module_path)
    return stand_in


@pytest.fixture(autouse=True)
def _same_random_tensors() -> Iterator[None]:
    """Leave torch's generator as it was."""
    import torch

    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
