"""Every architecture, from its checkpoint over ONNX in both precisions to an engine for three kinds of cards."""

import json
from pathlib import Path

import pytest
import torch
from tests.export.networks.asked import VARIANTS

from mien_export.contracts import ARCHITECTURES
from mien_export.engines.building import build, sidecar_of
from mien_export.engines.contracts import Order, installed
from mien_export.exporting import Asked, Shape, Wish, export, hold_against, read_source
from mien_export.precision.lowering import Precision
from mien_export.proof.report import table
from mien_export.proof.serving import ServingError
from mien_export.seeded import seeded_checkpoint


def quiet(_text: str, _share: float | None = None, /) -> None:
    """Say nothing."""


@pytest.mark.engine
@pytest.mark.skipif(installed("tensorrt-rtx-cu13") is None, reason="run it with scripts/with_torch.py --rtx")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("precision", ["fp32", "mixed"])
@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_a_checkpoint_becomes_an_engine(name: str, precision: Precision, tmp_path: Path) -> None:
    architecture = ARCHITECTURES.load(name)
    _, state = seeded_checkpoint(architecture, next(iter(architecture.tiny)), seed=3)
    torch.save(state, tmp_path / "net.pth")
    source = read_source(Wish(tmp_path / "net.pth", variant=VARIANTS.get(name)), "none")
    model, engine = tmp_path / "net.onnx", tmp_path / "net.engine"
    export(source, model, shape=Shape(precision=precision), asked=Asked(), progress=quiet)
    told = build("rtx", Order(model, engine, ("sm86", "sm89", "sm120")), quiet)
    assert told.stamps["mien.source_sha256"] == source.sha256
    assert "mien.network" in told.stamps
    proof = hold_against(source, [model, engine], asked=Asked(), progress=quiet)
    assert proof.files[0].has_passed, table(proof)
    assert f"rtx {told.version} built it of 'net.onnx'" in proof.files[1].not_run
    engine.write_bytes(engine.read_bytes()[:-1])
    with pytest.raises(ServingError, match="is not the engine that"):
        hold_against(source, [engine], asked=Asked(), progress=quiet)
    assert json.loads(sidecar_of(engine).read_text())["format"] == 1
