"""Our own description of torch for the type checkers names nothing that torch does not have."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "export" / "typings"
FILES = sorted(ROOT.rglob("*.pyi"))
OWN = {"IncompatibleKeys"}
"""Names of ours for what torch keeps private."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_name_of_the_typings_is_torchs(file: Path) -> None:
    parts = file.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    for node in ast.parse(file.read_text()).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name in OWN:
            continue
        real = getattr(module, node.name)
        if isinstance(node, ast.ClassDef):
            missing = [
                one.name for one in node.body if isinstance(one, ast.FunctionDef) and not hasattr(real, one.name)
            ]
            assert not missing, f"torch's {node.name} has no {missing}"
