"""Every enhancer, with a tiny network of its contract."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.onnx_networks import affine_network, restoring_network, xseg_network

from mien_models.errors import ModelError
from mien_models.interfaces import Enhancer, EnhancerFactory
from mien_models.networks import user_network
from mien_models.networks.enhancers._base import ENHANCERS
from mien_models.runtimes.ort import select
from mien_models.runtimes.ort.available import Available
from mien_models.runtimes.ort.providers import CPU_PROVIDER, CPU_RUN, PROVIDERS, Run
from mien_models.runtimes.ort.select import Served, Trial
from mien_models.specs.templates import TEMPLATES


@pytest.fixture(params=ENHANCERS.names())
def factory(request: pytest.FixtureRequest) -> EnhancerFactory:
    return ENHANCERS.load(request.param).make


@pytest.fixture
def enhancer(factory: EnhancerFactory, tmp_path: Path) -> Enhancer:
    return factory(str(restoring_network(tmp_path / "tiny.onnx")))


def picture(side_px: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side_px, side_px, 3), np.uint8)


def test_a_network_that_changes_nothing_changes_no_pixel(enhancer: Enhancer) -> None:
    patch = picture(enhancer.side_px)
    assert np.abs(enhancer.enhance(patch).astype(int) - patch).max() <= 1


def test_it_says_how_faces_are_aligned_what_it_costs_and_where_it_runs(enhancer: Enhancer) -> None:
    assert enhancer.template in TEMPLATES
    assert enhancer.cost_ms > 0
    assert enhancer.provider == "CPUExecutionProvider"


def test_brighter_is_brighter_and_never_wraps_around(factory: EnhancerFactory, tmp_path: Path) -> None:
    enhancer = factory(str(restoring_network(tmp_path / "tiny.onnx", bias=0.5)))
    patch = picture(enhancer.side_px)
    expected = np.clip(patch.astype(float) + 0.5 * 127.5, 0, 255)
    assert np.abs(enhancer.enhance(patch) - expected).max() <= 1.01


def test_the_picture_is_given_in_rgb(factory: EnhancerFactory, tmp_path: Path) -> None:
    path = affine_network(tmp_path / "tiny.onnx", 512, 1.0, (-2.0, 0.0, 0.0))
    patch = picture(512)
    without_red = patch * np.array([1, 1, 0])
    assert np.abs(factory(str(path)).enhance(patch).astype(int) - without_red).max() <= 1


@pytest.mark.parametrize("gain", [0.0, float("nan")])
def test_a_network_that_answers_nonsense_is_refused(factory: EnhancerFactory, tmp_path: Path, gain: float) -> None:
    with pytest.raises(ModelError, match="answers with"):
        factory(str(restoring_network(tmp_path / "tiny.onnx", gain=gain)))


def test_a_network_of_another_size_is_refused(factory: EnhancerFactory, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="64 px"):
        factory(str(restoring_network(tmp_path / "tiny.onnx", 64)))


def test_another_network_is_refused(factory: EnhancerFactory, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="should take one square colour picture"):
        factory(str(xseg_network(tmp_path / "tiny.onnx")))


def test_it_goes_where_it_runs_fastest_and_the_user_may_name_the_processor(
    factory: EnhancerFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[list[str]] = []

    def serve(trial: Trial, runs: Sequence[Run]) -> Served:
        tried.append([run.name for run in runs])
        return served(trial, [CPU_RUN])

    served = select.serve
    monkeypatch.setattr(user_network, "serve", serve)
    ready = (PROVIDERS["tensorrt"], PROVIDERS["cuda"], CPU_PROVIDER)
    monkeypatch.setattr(user_network, "available", lambda: Available(ready))
    path = restoring_network(tmp_path / "tiny.onnx")
    patch = picture(512)
    assert np.abs(factory(str(path)).enhance(patch).astype(int) - patch).max() <= 1
    factory(str(path), provider="cpu")
    assert tried == [["cuda", "cuda", "cpu"]]
