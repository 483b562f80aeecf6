"""What an exporter stamps into a file is what `models add` makes of the same graph without a stamp."""

import dataclasses
from pathlib import Path

import pytest

from mien_export.contracts import ARCHITECTURES
from mien_export.graph import GraphOptions, write_onnx
from mien_export.seeded import seeded_checkpoint
from mien_models.architectures._registry import LICENCE_STAMP, STAMP, UNKNOWN_TERMS, recognise
from mien_models.onnx_format.graph import read_graph

VARIANTS = [(name, variant) for name in ARCHITECTURES.names() for variant in ARCHITECTURES.load(name).tiny]
UNTRACED = [("hyperswap", "512")]
"""Slow to trace, and no other than its siblings but for its side."""
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(("name", "variant"), [one for one in VARIANTS if one not in UNTRACED])
def test_an_exporters_spec_is_one_that_the_family_recognises_in_the_same_graph(
    name: str, variant: str, tmp_path: Path
) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, 0)
    path = write_onnx(network, state, tmp_path / "net.onnx", GraphOptions())
    graph = read_graph(path.read_bytes(), path.name)
    assert LICENCE_STAMP not in graph.stamps
    stamped = recognise(graph, path.name)
    spec = network.spec(has_map=False)
    assert list(stamped.specs.values()) == [spec]
    assert stamped.terms == UNKNOWN_TERMS
    bare = dataclasses.replace(graph, stamps={key: one for key, one in graph.stamps.items() if key != STAMP})
    # A sixteenth of the channels bears no marks of the family: it is named.
    assert spec in recognise(bare, path.name, family=spec.architecture).specs.values()
