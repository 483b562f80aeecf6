"""The check of a graphics card, as far as it goes without one."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_check import pack, plan, running, wheels
from gpu_check.graphs import fill
from gpu_check.machine import Machine
from gpu_check.results import Results
from gpu_check.running import Outcome, Step, run
from mien_models.architectures._registry import LICENCE_STAMP, recognise
from mien_models.onnx_format.check import read_network_file
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import NetworkSpec, SwapSpec

COMMAND = Path(__file__).parent.parent / "scripts" / "gpu_check"
NO_CARD = Machine("", "", "", "", 0, "", "3.12.3", "Linux", 2, ())
H100 = replace(NO_CARD, card="NVIDIA H100 80GB HBM3", capability="9.0", driver="580.159.04", memory_mb=81559, cores=16)
RTX_4070 = replace(NO_CARD, card="NVIDIA GeForce RTX 4070", capability="8.9", driver="591.10", memory_mb=12282)


def wheel(folder: Path, name: str, *, size: int = 3000) -> Path:
    """Write a wheel of one module that says its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    package, version = name.split("-")[:2]
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{package}/__init__.py", f"NAME = {name!r}\n")
        archive.writestr(f"{package}/numbers.bin", np.random.default_rng(0).bytes(size))
        information = f"{package}-{version}.dist-info"
        archive.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    return path


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """Give a folder of loads with a wheel for every way; the larger ones are cut."""
    source = tmp_path / "wheels"
    wheel(source / "1-base", "tomli_w-1.0-py3-none-any.whl")
    wheel(source / "2-cuda", "onnxruntime_gpu-1.31.1-py3-none-any.whl", size=40_000)
    wheel(source / "3-rtx", "onnxruntime_ep_nv_tensorrt_rtx_cu13-0.5.0-py3-none-any.whl", size=30_000)
    assert pack.main([str(source), str(tmp_path / "loads"), "--limit", "18000"]) == 0
    return tmp_path / "loads"


def test_wheels_in_parts_are_joined_and_each_way_has_its_own_folder(
    carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "_LEAST", 1000)
    assert len(list(carried.glob("load-*/onnxruntime_gpu*.0*"))) > 1
    sites = wheels.install(carried, tmp_path / "packages")
    assert {name: site.fault for name, site in sites.items()} == {"base": "", "cuda": "", "rtx": ""}
    assert (sites["cuda"].folder / "onnxruntime_gpu" / "__init__.py").is_file()
    assert not (sites["cuda"].folder / "tomli_w").exists()


@pytest.mark.parametrize("damage", ["changed", "lost"])
def test_a_part_that_is_damaged_or_lost_costs_only_its_own_way(carried: Path, tmp_path: Path, damage: str) -> None:
    part = max(carried.glob("load-*/onnxruntime_gpu*.00*"))
    if damage == "lost":
        part.unlink()
    else:
        part.write_bytes(bytes(part.stat().st_size))
    sites = wheels.install(carried, tmp_path / "packages")
    assert "onnxruntime_gpu-1.31.1-py3-none-any.whl is not whole" in sites["cuda"].fault
    assert sites["base"].fault == sites["rtx"].fault == ""


@pytest.mark.parametrize("least", [4, 1000])
@pytest.mark.parametrize("sizes", [[5], [30, 30, 1], [70], [20, 170, 3]])
def test_no_load_is_larger_than_it_may_be_and_nothing_is_lost(
    sizes: list[int], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "_LEAST", least)
    files = [(Path(f"{number}.whl"), size) for number, size in enumerate(sizes)]
    loads = pack.packed(files, 40)
    assert all(load.left >= 0 for load in loads)
    for path, size in files:
        pieces = [piece for load in loads for piece in load.pieces if piece.source == path]
        assert [piece.number for piece in pieces] == list(range(len(pieces)))
        assert sum(piece.size for piece in pieces) == size
        assert [piece.start for piece in pieces] == [sum(one.size for one in pieces[:n]) for n in range(len(pieces))]


def test_a_machine_without_a_network_is_brought_all_that_a_run_imports() -> None:
    script = (COMMAND / "fetch_wheels.sh").read_text("utf-8").replace("\\\n", " ")
    lists = re.findall(r'^(?:small|large)="(.*)"', script, re.MULTILINE)
    brought = {name for one in lists for name in one.split()}
    code = "import sys, importlib.metadata, mien.cli.run, mien.session.live_session, mien.session.build\n"
    code += "given = importlib.metadata.packages_distributions()\n"
    code += "print(*{one for name in sys.modules for one in given.get(name.partition('.')[0], ())})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.replace("_", "-").lower() for name in done.stdout.split()} - {"mien", "onnxruntime"}
    assert {"av", "numpy"} <= imported <= brought


def test_the_plug_in_is_tried_only_on_cards_that_it_takes() -> None:
    installed = ("base", "rtx", "cuda", "engines")
    assert plan.ordered_routes(H100, installed) == ["cuda", "engines"]
    assert plan.ordered_routes(RTX_4070, installed) == ["rtx", "cuda", "engines"]
    assert plan.ordered_routes(NO_CARD, ("base", "cuda")) == ["cuda"]


def test_the_most_valuable_comes_first_and_every_network_comes() -> None:
    steps = plan.steps(H100, plan.EVERY, ["cuda", "engines"])
    names = [step.name for step in steps]
    assert names[1:3] == ["network reswapper-128 on cuda", "live reswapper-128 at 1280x720 on cuda"]
    assert {step.order["network"] for step in steps if step.module == "network"} == set(plan.EVERY)
    live = [(step.order["size"], step.order["boost"]) for step in steps if step.module == "live"]
    assert {("1280x720", 1), ("1920x1080", 1), ("2560x1440", 1), ("1280x720", 2), ("2560x1440", 4)} <= set(live)
    assert any(step.order.get("enhance") for step in steps)
    assert not steps[-1].must_pass  # no engine of TensorRT-RTX runs on that card


def test_a_network_whose_graph_is_missing_is_named_and_counts_as_failed(tmp_path: Path) -> None:
    assert plan.missing(["reswapper-128"]) == [one for one in plan.EVERY if one != "reswapper-128"]
    results = Results(tmp_path, H100, missing=["ghost-3-block"])
    assert results.has_failed
    results.write()
    assert "no graph of ghost-3-block was exported" in (tmp_path / "result.md").read_text()


STEP = Step("network a on cuda", "network", {}, 60, "cuda")


@pytest.mark.parametrize(
    ("outcome", "fails"),
    [
        (Outcome(STEP, ({"fault": ""},)), False),
        (Outcome(STEP, ({"fault": "nodes ran on CPUExecutionProvider"},)), True),
        (Outcome(STEP, ({"fault": ""},), fault="it was given 60 s and took longer"), True),
        (Outcome(STEP, ()), True),
        (Outcome(replace(STEP, must_pass=False), ({"fault": "refused"},)), False),
    ],
)
def test_what_should_have_run_on_the_card_and_did_not_fails_the_check(
    tmp_path: Path, outcome: Outcome, fails: bool
) -> None:
    assert Results(tmp_path, H100, outcomes=[outcome]).has_failed is fails


def test_what_was_not_reached_is_named_and_fails_the_check(tmp_path: Path) -> None:
    results = Results(tmp_path, H100, outcomes=[Outcome(STEP, ({"fault": ""},))], not_reached=["live a at 1440p"])
    results.write()
    assert results.has_failed
    assert "- live a at 1440p" in (tmp_path / "result.md").read_text()
    assert json.loads((tmp_path / "result.json").read_text())["not_reached"] == ["live a at 1440p"]


def test_a_step_that_takes_too_long_or_breaks_keeps_what_it_has_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONFAULTHANDLER", "PYTHONDEVMODE"):  # their words would come after those of the step
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "root"
    steps = root / "scripts" / "gpu_check" / "steps"
    steps.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "mien"\nversion = "1"\n')
    for folder in (steps, steps.parent):
        (folder / "__init__.py").touch()
    found = (
        "import json, os, sys, time\nto = open(json.loads(sys.argv[1])['into'], 'a')\nto.write('{\"a\": 1}\\n{\"b')\n"
    )
    (steps / "hangs.py").write_text(f"{found}to.flush()\ntime.sleep(600)\n")
    (steps / "dies.py").write_text(f"{found}to.flush()\nprint('gone')\nsys.stdout.flush()\nos.abort()\n")
    monkeypatch.setattr(running, "ROOT", root)
    late = run(Step("late", "hangs", {}, 1.5), [], tmp_path, 60)
    assert (late.found, late.fault) == (({"a": 1},), "it was given 2 s and took longer")
    dead = run(Step("dead", "dies", {}, 60), [], tmp_path, 60)
    assert dead.found == ({"a": 1},)
    assert "ended with status -6" in dead.fault
    assert "gone" in dead.notes[-1]


@pytest.mark.parametrize("name", plan.graphs_there())
def test_a_graph_says_what_its_constants_were_like(name: str) -> None:
    with zipfile.ZipFile(plan.GRAPHS / f"{name}.zip") as archive:
        told = json.loads(archive.read("weights.json"))
        for kind, listed in told["graphs"].items():
            assert archive.read(f"{kind}.onnx").count(f"{kind}.bin".encode()) == len(listed)
    assert {"fp32", "mixed"} <= set(told["graphs"])
    # Each file has the same constants: else numbers would be drawn apart, and none could be held against another.
    places = [sorted(number for number, _, _ in listed) for listed in told["graphs"].values()]
    assert all(one == list(range(len(told["spreads"]))) for one in places)
    assert all(one["low"] <= one["mean"] <= one["high"] for one in told["spreads"])
    assert name.endswith("-tiny") or name in plan.EVERY


def test_a_network_is_drawn_the_same_every_time_and_as_it_was_spread(tmp_path: Path) -> None:
    one, two = (fill("arcface-r50-tiny", tmp_path / place) for place in ("one", "two"))
    contents = [read_network_file(files["fp32"]) for files in (one, two)]
    assert hashlib.sha256(contents[0]).digest() == hashlib.sha256(contents[1]).digest()
    half = read_graph(read_network_file(one["mixed"]), "mixed").constants
    for name, constant in read_graph(contents[0], "fp32").constants.items():
        if constant.kind is np.float32 and constant.shape and np.prod(constant.shape) > 64:
            numbers = constant.read()
            assert np.isfinite(numbers).all()
            np.testing.assert_allclose(half[name].read(), numbers, rtol=1e-3, atol=1e-4)


def run_command(folder: Path, *words: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, str(COMMAND), "--out", str(folder / "out"), "--work", str(folder / "work"), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **environment})
    return done.returncode, json.loads((folder / "out" / "result.json").read_text()), done.stdout


@pytest.mark.slow
def test_without_a_card_everything_that_can_runs_on_the_processor(tmp_path: Path) -> None:
    status, told, shown = run_command(tmp_path, "--minutes", "3", PATH="/nowhere")
    assert status == 0, shown
    assert told["machine"]["card"] == ""
    assert not told["not_reached"]
    found = {step["name"]: step["found"] for step in told["steps"]}
    network = found["network reswapper-128-tiny on cpu"]
    assert [one["variant"] for one in network] == ["fused mixed", "mixed", "fp32"]
    assert all(set(one["nodes"]) == {"CPUExecutionProvider"} for one in network)
    assert all(one["call_ms"]["p95"] >= one["call_ms"]["p50"] > 0 for one in network)
    (live,) = found["live reswapper-128-tiny at 320x240 on cpu"]
    assert live["swapped_per_s"] > 0
    assert live["age_ms"]["p95"] > 0
    assert "swap" in live["stages_ms"]
    assert "| reswapper-128-tiny | cpu | mixed |" in shown


@pytest.mark.slow
def test_a_card_on_which_nothing_runs_fails_the_check_in_plain_words(tmp_path: Path) -> None:
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 9.0, 580.159.04, 81559, 700, 1980'\n")
    smi.chmod(0o755)
    status, told, shown = run_command(
        tmp_path, "--minutes", "2", "--only", "network arcface-r50 on cuda", PATH=f"{smi.parent}:{os.environ['PATH']}"
    )
    assert status == 1
    assert told["machine"]["capability"] == "9.0"
    assert "CUDAExecutionProvider" in told["steps"][0]["found"][0]["fault"]
    assert "## Wrong" in shown


FULL = [name for name in plan.graphs_there() if not name.startswith("restorer") and not name.endswith("-tiny")]


@pytest.mark.parametrize("kind", ["fp32", "mixed"])
@pytest.mark.parametrize("name", FULL)
def test_a_network_of_full_size_is_known_by_its_graph_as_what_its_exporter_says_it_is(name: str, kind: str) -> None:
    with zipfile.ZipFile(plan.GRAPHS / f"{name}.zip") as archive:
        graph = read_graph(archive.read(f"{kind}.onnx"), name)
    assert LICENCE_STAMP not in graph.stamps
    (stamped,) = recognise(graph, name).specs.values()
    seen = recognise(replace(graph, stamps={}), name).specs.values()
    # Whether it needs an identity map is what nobody sees in a graph without one.
    assert without_map(stamped) in map(without_map, seen)


def without_map(spec: NetworkSpec) -> NetworkSpec:
    return replace(spec, identity=replace(spec.identity, map="none")) if isinstance(spec, SwapSpec) else spec
