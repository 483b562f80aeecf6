"""An engine is built beside the run; here with the processor in the place of a card."""

import json
import logging
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.onnx_networks import inswapper_network
from tests.stored_models import Shelf

from mien_models.architectures._trial import known_input
from mien_models.library import engine_build
from mien_models.library.engine_build import build_aside
from mien_models.runtimes.ort import engine_cache
from mien_models.runtimes.ort.engine_cache import cached, engine_folder, engine_key, is_built, must_be_built
from mien_models.runtimes.ort.hot_swap import ReplaceableSession
from mien_models.runtimes.ort.providers import CPU_PROVIDER, CPU_RUN, Run
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks


@pytest.fixture
def stored(tmp_path: Path) -> StoredModel:
    return Shelf(tmp_path / "models").put("tiny", inswapper_network(tmp_path / "tiny.onnx"))


def test_an_engine_is_built_in_another_process_and_said_to_be(
    stored: StoredModel, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    with caplog.at_level(logging.INFO):
        build_aside(stored.folder, "tiny", CPU_RUN, 1, done.set).join(60)
    assert done.is_set()
    assert "is being built" in caplog.text
    assert "was built in" in caplog.text


def test_an_engine_that_cannot_be_built_is_said_and_nothing_changes(
    stored: StoredModel, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    build_aside(stored.folder, "tiny", Run("cuda"), 1, done.set).join(60)
    assert not done.is_set()
    assert "is not used: 'tiny' was to run on CUDAExecutionProvider" in caplog.text


def test_a_builder_that_hangs_is_given_up(
    stored: StoredModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    hanging = tmp_path / "hang"
    hanging.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(engine_build, "SAY_EVERY_S", 0.1)
    build_aside(stored.folder, "tiny", CPU_RUN, 1, pytest.fail, longest_s=0.3).join(30)
    assert "took longer than 0 s" in caplog.text


def test_the_slower_provider_serves_until_the_engine_is_there(
    stored: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 'cpu in 16 bits' stands for a provider whose engine has to be built first.
    slow = Run("cpu", is_half=True)

    def planned(preferred: str, available: list[str]) -> tuple[Run, ...]:
        return slow, CPU_RUN

    def takes_minutes(run: Run, folder: Path) -> bool:
        return run.is_half and not is_built(folder)

    monkeypatch.setattr("mien_models.swappers._loader.planned_runs", planned)
    monkeypatch.setattr("mien_models.swappers._loader.must_be_built", takes_minutes)
    may_finish = threading.Event()
    replaced = threading.Event()
    original = ReplaceableSession.replace

    def build(folder: Path, name: str, run: Run, threads: int, done: object) -> threading.Thread:
        def work() -> None:
            assert may_finish.wait(10)
            done()  # type: ignore[operator]

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def replace(self: ReplaceableSession, session: object) -> None:
        original(self, session)  # type: ignore[arg-type]
        replaced.set()

    monkeypatch.setattr("mien_models.swappers._loader.build_aside", build)
    monkeypatch.setattr(ReplaceableSession, "replace", replace)
    networks = Networks(Shelf(stored.folder.parent), caches=tmp_path / "engines")
    session = networks.session(stored)
    feeds = known_input(stored.manifest.network)
    before = session.run(feeds)["output"].copy()
    assert networks.providers["tiny"] == CPU_PROVIDER
    may_finish.set()
    assert replaced.wait(10)
    np.testing.assert_allclose(session.run(feeds)["output"], before, atol=1e-6)
    built = [json.loads(path.read_text()) for path in (tmp_path / "engines").glob("*/built.json")]
    assert [key["network_sha256"] for key in built] == [stored.manifest.sha256]


def test_an_engine_is_for_one_network_precision_shape_runtime_and_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run("tensorrt")
    monkeypatch.setattr(engine_cache, "_card", lambda: "a card")
    same = engine_folder(tmp_path, engine_key("abc", run, "1x3x128x128"))
    assert same == engine_folder(tmp_path, engine_key("abc", run, "1x3x128x128"))
    others = [
        engine_key("abd", run, "1x3x128x128"),
        engine_key("abc", run, "1x3x256x256"),
        engine_key("abc", Run("tensorrt", is_half=True), "1x3x128x128"),
        engine_key("abc", Run("cuda"), "1x3x128x128"),
    ]
    monkeypatch.setattr(engine_cache, "_card", lambda: "another card")
    others.append(engine_key("abc", run, "1x3x128x128"))
    folders = {engine_folder(tmp_path, key) for key in others}
    assert len(folders) == len(others)
    assert same not in folders


def test_only_what_takes_minutes_has_to_be_built_first(tmp_path: Path) -> None:
    assert must_be_built(Run("tensorrt"), tmp_path)
    assert not must_be_built(Run("cuda"), tmp_path)
    assert cached(Run("tensorrt"), tmp_path).options["trt_engine_cache_path"] == str(tmp_path)
    assert cached(CPU_RUN, tmp_path) == CPU_RUN
