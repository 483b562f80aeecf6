"""Engines: what every builder promises, the process in which it builds, and which versions belong together."""

import json
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.onnx_networks import dfm_network
from typer.testing import CliRunner

from mien_export.cli.app import app
from mien_export.engines import building
from mien_export.engines.builders.epcontext import EpContextBuilder
from mien_export.engines.builders.tensorrt import TensorrtBuilder
from mien_export.engines.building import build, sidecar_of
from mien_export.engines.contracts import BUILDERS, EngineError, Order, installed
from mien_export.engines.versions import PAIRS, loading_refusal, ort_refusal
from mien_models.errors import UsageError

HAS_RTX = installed("tensorrt-rtx-cu13") is not None
RTX_HINT = "tensorrt-rtx-cu13 is not installed; uv run scripts/with_torch.py --rtx pytest tests/export"


@pytest.mark.parametrize("name", BUILDERS.names())
def test_every_builder_says_what_it_needs(name: str) -> None:
    builder = BUILDERS.load(name)
    assert builder.package
    assert builder.version() == installed(builder.package)
    assert all(target == target.lower() for target in builder.targets)


@pytest.mark.parametrize("name", BUILDERS.names())
def test_a_target_that_a_builder_does_not_know_is_refused_with_its_choices(name: str, tmp_path: Path) -> None:
    order = Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.engine", ("sm20",))
    with pytest.raises(EngineError, match=rf"--kind {name} does not build for 'sm20'. Its targets: "):
        build(name, order, print)
    assert not order.engine.exists()


@pytest.mark.engine
@pytest.mark.skipif(not HAS_RTX, reason=RTX_HINT)
def test_tensorrt_rtx_really_builds_for_several_cards_without_one(tmp_path: Path) -> None:
    model = dfm_network(tmp_path / "a.onnx")
    words = ["engine", str(model), "-o", str(tmp_path / "a.engine"), "--target", "sm86,sm89,sm120", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads(sidecar_of(tmp_path / "a.engine").read_text())
    assert told["targets"] == ["sm86", "sm89", "sm120"]
    assert told["version"] == installed("tensorrt-rtx-cu13")
    assert "building engine" in done.stderr
    assert (tmp_path / "a.engine").stat().st_size > 1000
    one = CliRunner().invoke(app, ["engine", str(model), "-o", str(tmp_path / "b.engine"), "--target", "sm86"])
    assert one.exit_code == 0, one.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.engine", "a.engine.json", "a.onnx", "b.engine", "b.engine.json",
    ]  # fmt: skip


@pytest.mark.engine
@pytest.mark.skipif(not HAS_RTX, reason=RTX_HINT)
def test_what_does_not_parse_and_what_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(EngineError, match=r"noise\.onnx' should be an ONNX file"):
        build("rtx", Order(tmp_path / "noise.onnx", tmp_path / "a.engine"), print)
    model = dfm_network(tmp_path / "a.onnx")
    with pytest.raises(EngineError, match="give it longer with --minutes"):
        build("rtx", Order(model, tmp_path / "a.engine"), print, longest_s=0.05)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "noise.onnx"]


@pytest.mark.engine
@pytest.mark.skipif(not HAS_RTX, reason=RTX_HINT)
def test_another_version_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    words = ["engine", str(dfm_network(tmp_path / "a.onnx")), "-o", str(tmp_path / "a.engine"), "--loads", "1.2.0.54"]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, UsageError)
    assert "install 1.2.0.54 here" in str(refused.exception)


@pytest.mark.skipif(installed("tensorrt") is not None, reason="tensorrt is installed")
def test_a_builder_that_is_not_installed_names_its_package(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="needs the package 'tensorrt': uv pip install tensorrt"):
        build("tensorrt", Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.engine"), print)


def version_of(*_: object) -> str:
    return "1.0"


def test_a_process_that_dies_says_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = types.SimpleNamespace(executable=str(tmp_path / "dies"))
    Path(dying.executable).write_text("#!/bin/sh\nread order\necho 'no space left on the card' >&2\nexit 3\n")
    Path(dying.executable).chmod(0o755)
    monkeypatch.setattr(building, "sys", dying)
    monkeypatch.setattr(building, "_checked", version_of)
    with pytest.raises(EngineError, match=r"status 3\. It said: no space left on the card"):
        build("rtx", Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.engine"), print)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "dies"]


def test_versions_that_cannot_match_name_the_pair_that_does() -> None:
    assert ort_refusal("1.31.1", "10.14.1") is None
    assert "TensorRT 10.x, but 11.4.0 is installed. Install 'tensorrt==10.*'" in str(ort_refusal("1.31.1", "11.4.0"))
    assert "but none is installed" in str(ort_refusal("1.31.1", None))
    assert all(pair.loads in str(ort_refusal("1.2.0", "10.1")) for pair in PAIRS)
    assert loading_refusal("rtx", "1.7.1", "1.7.1") is None
    assert "use 1.7.1 there" in str(loading_refusal("rtx", "1.7.1", "1.6"))


class Recorded:
    """A stand-in for an object of TensorRT's: it remembers what was set and called."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)

    def take(self, level: int) -> None:
        self.level = level


@dataclass
class FakeTensorrt:
    """As much of TensorRT as is used, in the manner of a version."""

    version: str
    set_on_config: dict[str, Any] = field(default_factory=dict[str, Any])
    flags: list[int] = field(default_factory=list[int])
    shapes: dict[str, Any] = field(default_factory=dict[str, Any])
    WORDS: ClassVar[tuple[str, ...]] = ("Building engine", "Timing tactics")

    def set_shape(self, name: str, *shapes: tuple[int, ...]) -> None:
        self.shapes[name] = shapes

    def module(self) -> types.ModuleType:
        """Make what `import tensorrt` gives."""
        fake = self

        class Config:
            def __setattr__(self, name: str, value: object) -> None:
                fake.set_on_config[name] = value

            def set_memory_pool_limit(self, pool: str, size: int) -> None:
                fake.set_on_config[pool] = size

            def add_optimization_profile(self, profile: object) -> None: ...

            def create_timing_cache(self, content: bytes) -> bytes:
                return content

            def set_timing_cache(self, cache: bytes, *, ignore_mismatch: bool) -> None:
                assert not ignore_mismatch
                fake.set_on_config["cache"] = cache

            def get_timing_cache(self) -> Any:
                return Recorded(serialize=lambda: fake.set_on_config["cache"] + b"+measured")

        class Builder:
            def __init__(self, logger: object) -> None: ...

            def create_network(self, flags: int) -> Any:
                fake.flags.append(flags)
                tensors = [Recorded(name="target", shape=(-1, 3, 64, 64)), Recorded(name="morph", shape=(1,))]
                return Recorded(num_inputs=2, get_input=tensors.__getitem__)

            def create_builder_config(self) -> Config:
                return Config()

            def create_optimization_profile(self) -> Any:
                return Recorded(set_shape=fake.set_shape)

            def build_serialized_network(self, _network: object, _config: object) -> bytes:
                for word in fake.WORDS:
                    fake.set_on_config["progress_monitor"].phase_start(word, None, 1)
                return b"engine"

        class Parser:
            num_errors = 0

            def __init__(self, network: object, logger: object) -> None: ...

            def parse(self, _content: bytes) -> bool:
                return True

        module = types.ModuleType("tensorrt")
        logger = type("Logger", (Recorded,), {"WARNING": 1, "__init__": Recorded.take})
        creation = {"STRONGLY_TYPED": 1} if self.version.startswith("10") else {}
        parts: dict[str, Any] = {
            "__version__": self.version,
            "Builder": Builder,
            "OnnxParser": Parser,
            "Logger": logger,
            "IProgressMonitor": type("IProgressMonitor", (), {}),
            "MemoryPoolType": Recorded(WORKSPACE="workspace"),
            "NetworkDefinitionCreationFlag": Recorded(**creation),
            "HardwareCompatibilityLevel": Recorded(AMPERE_PLUS="ampere"),
        }
        module.__dict__.update(parts)
        return module


@pytest.mark.parametrize(("version", "flags"), [("10.14.1", 2), ("11.4.0", 0)])
def test_tensorrt_10_and_11_are_asked_as_their_documentation_says(
    version: str, flags: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeTensorrt(version)
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    cache, told = tmp_path / "timing.cache", list[str]()
    cache.write_bytes(b"before")
    order = Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.engine", ("ampere+",), 4, cache)
    TensorrtBuilder().build(order, told.append)
    assert order.engine.read_bytes() == b"engine"
    assert fake.flags == [flags]
    assert fake.shapes == {"target": ((1, 3, 64, 64), (1, 3, 64, 64), (4, 3, 64, 64))}
    assert fake.set_on_config["hardware_compatibility_level"] == "ampere"
    assert cache.read_bytes() == b"before+measured"
    assert told == ["building engine", "timing tactics"]


def test_tensorrt_9_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", FakeTensorrt("9.3.0").module())
    with pytest.raises(EngineError, match=r"TensorRT 10 or 11 is needed, but 9\.3\.0 is installed"):
        TensorrtBuilder().build(Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.engine"), print)


def test_an_ep_context_is_refused_without_its_tensorrt(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"loads engines of TensorRT 10\.x"):
        EpContextBuilder().build(Order(dfm_network(tmp_path / "a.onnx"), tmp_path / "a.onnx"), print)
