"""What tests of the folder of models share."""

from pathlib import Path

import pytest

from mien_models.library.store import ModelLibrary


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "data" / "models")
