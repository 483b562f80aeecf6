"""ONNX Runtime behind the contract of a session, and files that people bring along."""

import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.onnx_networks import affine_network

from mien_models.errors import ModelError
from mien_models.networks.user_network import open_user_network, square_picture
from mien_models.runtimes import onnx as onnx_sessions
from mien_models.runtimes.onnx import OnnxSession


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_a_network_runs_and_says_what_it_takes(tmp_path: Path) -> None:
    session = open_user_network(affine_network(tmp_path / "net.onnx", 8, 2, 1))
    assert session.provider == "CPUExecutionProvider"
    assert session.input_shapes == {"x": (1, 3, 8, 8)}
    assert square_picture(session, tmp_path, layout="nchw") == ("x", 8)
    picture = np.random.default_rng(0).random((1, 3, 8, 8))  # float64: converted
    np.testing.assert_allclose(session.run({"x": picture})["y"], 2 * picture + 1, rtol=1e-5)


@pytest.mark.parametrize("kind", ["empty", "noise", "pickle", "zip", "truncated", "folder", "missing"])
def test_what_is_no_network_is_refused_with_its_name_and_nothing_is_run(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    whole = affine_network(tmp_path / "whole", 8, 1, 0).read_bytes()
    contents = {
        "empty": b"",
        "noise": np.random.default_rng(0).bytes(5000),
        "pickle": pickle.dumps(Bomb()),
        "zip": b"PK\x03\x04" + bytes(100),
        "truncated": whole[: len(whole) // 2],
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    if kind == "folder":
        path.mkdir()
    with pytest.raises(ModelError, match=r"mine\.onnx") as refusal:
        open_user_network(path)
    assert "\n" not in str(refusal.value)


def test_numbers_in_a_file_beside_it_are_taken_in(tmp_path: Path) -> None:
    affine_network(tmp_path / "whole.onnx", 8, 2, 1)
    model = onnx.load(str(tmp_path / "whole.onnx"))
    onnx.save(model, str(tmp_path / "split.onnx"), save_as_external_data=True, location="numbers.bin", size_threshold=0)
    answer = open_user_network(tmp_path / "split.onnx").run({"x": np.full((1, 3, 8, 8), 3, np.float32)})
    assert (answer["y"] == 7).all()
    with pytest.raises(ModelError, match="one whole file"):
        OnnxSession((tmp_path / "split.onnx").read_bytes(), "split")


def test_a_file_too_large_for_a_network_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ModelError, match=r"3\.0 GB"):
        open_user_network(path)


def test_a_network_without_a_picture_is_told_from_one_with(tmp_path: Path) -> None:
    session = OnnxSession(affine_network(tmp_path / "net.onnx", 8, 1, 0).read_bytes(), "net")
    with pytest.raises(ModelError, match="nhwc"):
        square_picture(session, tmp_path / "net.onnx", layout="nhwc")


def test_the_processor_is_used_without_looking_for_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is loaded to look around does not fit into the memory that a trial of a strange file is given.
    monkeypatch.setattr(onnx_sessions, "available", pytest.fail)
    monkeypatch.setattr(onnx_sessions, "plug_ins", pytest.fail)
    session = OnnxSession(affine_network(tmp_path / "net.onnx", 8, 2, 1).read_bytes(), "net")
    assert session.run({"x": np.zeros((1, 3, 8, 8), np.float32)})["y"].max() == 1
