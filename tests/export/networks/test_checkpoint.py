"""Weights are found wherever a training program put them, nothing of a file is run, and damage is one sentence."""

import argparse
import hashlib
import os
import pickle
import socket
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mien_export.checkpoint import CheckpointError, read_checkpoint

SAVE: Callable[..., None] = torch.save


def weights(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {f"net.{name}.weight": torch.randn(2, 3, generator=generator) for name in ("first", "second")}


def saved(content: object, path: Path) -> Path:
    SAVE(content, path)
    return path


def assert_same(found: Any, expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(bool((found[key] == one).all()) for key, one in expected.items())


def test_a_state_dict_is_read_and_hashed(tmp_path: Path) -> None:
    path = saved(weights(), tmp_path / "a.pth")
    found = read_checkpoint(path)
    assert_same(found.state, weights())
    assert found.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.taken_from == "the whole file"


def test_safetensors_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "a.bin")
    assert_same(read_checkpoint(tmp_path / "a.bin").state, weights())


WRAPPED: dict[str, Callable[[], object]] = {
    "state_dict": lambda: {"epoch": 3, "state_dict": weights(), "options": argparse.Namespace(lr=0.1)},
    "averaged before trained": lambda: {"params": weights(1), "params_ema": weights()},
    "averaged deep inside": lambda: {"model": weights(1), "averages": {"model_ema": {"shadow": weights()}}},
    "generator before discriminator": lambda: {"D": weights(1), "G": weights(), "optG": {"state": {}}},
    "parallel": lambda: {"model": {f"module.{key}": one for key, one in weights().items()}},
    "compiled and parallel": lambda: {f"_orig_mod.module.{key}": one for key, one in weights().items()},
}


@pytest.mark.parametrize("content", WRAPPED.values(), ids=WRAPPED.keys())
def test_the_network_is_found_in_a_training_checkpoint(content: Callable[[], object], tmp_path: Path) -> None:
    assert_same(read_checkpoint(saved(content(), tmp_path / "a.tar")).state, weights())


@pytest.mark.parametrize("where", ["whole", "nested"])
def test_the_state_of_an_optimiser_alone_is_no_network(where: str, tmp_path: Path) -> None:
    moments = {number: {"step": torch.tensor(3.0), "exp_avg": torch.ones(3, 2)} for number in range(40)}
    adam: dict[str, object] = {"state": moments, "param_groups": [{"lr": 0.1, "params": list(moments)}]}
    content = adam if where == "whole" else {"epoch": 3, "optimizer": adam}
    told = "optimiser" if where == "whole" else "optimizer"
    with pytest.raises(CheckpointError, match=rf"only of what is needed for training: {told}\. Give"):
        read_checkpoint(saved(content, tmp_path / "10000_optim_G.pth"))


def test_what_was_not_averaged_comes_from_the_trained_weights(tmp_path: Path) -> None:
    trained = {**weights(1), "norm.running_mean": torch.ones(3)}
    found = read_checkpoint(saved({"params": trained, "params_ema": weights()}, tmp_path / "a.pth"))
    assert_same(found.state, {**weights(), "norm.running_mean": torch.ones(3)})
    assert "1 that it lacks from params" in found.taken_from


class Runs:
    """Makes a folder when it is unpickled, which shows that code was run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    path = saved({"state_dict": weights(), "extra": Runs(tmp_path / "was_run")}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="--allow-pickle") as refused:
        read_checkpoint(path)
    assert "torch.save(" in str(refused.value)
    assert not (tmp_path / "was_run").exists()


class Gate(nn.Module):
    """A class that only the training program has."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.BatchNorm2d(3), nn.PReLU())
        self.register_buffer("grid", torch.ones(2))
        self.register_buffer("cache", torch.ones(2), persistent=False)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_module_that_was_saved_whole_is_read_without_its_class(
    is_old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Gate()
    path = tmp_path / "module.tar"
    whole: Any = vars(nn)["DataParallel"](module)
    SAVE({"epoch": 3, "model": whole}, path, _use_new_zipfile_serialization=not is_old)
    monkeypatch.delattr(sys.modules[__name__], "Gate")
    found = read_checkpoint(path)
    assert_same(found.state, module.state_dict())
    assert "without its classes" in found.taken_from


def test_a_module_that_calls_functions_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    module = nn.Linear(2, 3)
    vars(module)["extra"] = Runs(tmp_path / "was_run")
    with pytest.raises(CheckpointError, match=r"state_dict\(\)"):
        read_checkpoint(saved(module, tmp_path / "module.pt"))
    assert not (tmp_path / "was_run").exists()


def arrays() -> dict[str, object]:
    """Make what `paddle.save` writes of a convolution, a norm, a slope and a linear layer."""
    generator = np.random.default_rng(0)
    shapes = {
        "0.weight": (4, 3, 1, 1),
        "1.weight": (4,),
        "1._mean": (4,),
        "1._variance": (4,),
        "2._weight": (1,),
        "3.weight": (4, 5),
    }
    numbers: dict[str, object] = {key: generator.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}
    return {**numbers, "StructuredToParameterName@@": {"0.weight": "conv2d_0.w_0"}}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_paddles_weights_get_torchs_names_and_layout(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "net.pdparams"
    path.write_bytes(pickle.dumps(arrays(), protocol))
    found = read_checkpoint(path).state
    assert set(found) == {"0.weight", "1.weight", "1.running_mean", "1.running_var", "2.weight", "3.weight"}
    linear: Any = arrays()["3.weight"]
    np.testing.assert_array_equal(found["3.weight"].numpy(), linear.T)


def test_nothing_of_another_programs_pickle_is_run(tmp_path: Path) -> None:
    path = tmp_path / "net.pdparams"
    path.write_bytes(pickle.dumps({**arrays(), "extra": Runs(tmp_path / "was_run")}, 4))
    with pytest.raises(CheckpointError, match=r"mkdir.*--allow-pickle"):
        read_checkpoint(path)
    assert not (tmp_path / "was_run").exists()
    found = read_checkpoint(path, allow_pickle=True)
    assert "3.weight" in found.state
    assert "a process with" in found.taken_from


def test_a_module_is_opened_in_another_process_where_that_is_allowed(tmp_path: Path) -> None:
    module = nn.Linear(2, 3)
    found = read_checkpoint(saved(module, tmp_path / "module.pt"), allow_pickle=True)
    assert_same(found.state, module.state_dict())
    assert "a process with" in found.taken_from


class Calls:
    """Connects to an address when it is unpickled."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __reduce__(self) -> tuple[object, tuple[str]]:
        code = f"import socket; socket.create_connection(('127.0.0.1', {self.port}), 2)"
        return exec, (code,)


def test_that_process_reaches_nobody(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        path = saved({"state_dict": weights(), "x": Calls(server.getsockname()[1])}, tmp_path / "a.pth")
        with pytest.raises(CheckpointError, match="could not be opened"):
            read_checkpoint(path, allow_pickle=True)
        with pytest.raises(TimeoutError):
            server.accept()


def cut(path: Path) -> None:
    saved(weights(), path)
    path.write_bytes(path.read_bytes()[:-300])


def cut_safetensors(path: Path) -> None:
    save_file(weights(), path)
    path.write_bytes(path.read_bytes()[:-8])


def empty(path: Path) -> None:
    path.touch()


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")


def page(path: Path) -> None:
    path.write_text("<!doctype html><html></html>")


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 9)


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def broken_pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x02}q\x00(X\x05")


def numbers(path: Path) -> None:
    saved({"epoch": 3, "loss": [1.0]}, path)


def discriminator(path: Path) -> None:
    saved({"netD": weights(), "optimizer": {"state": weights()}}, path)


def in_directory(path: Path, at: int, value: int) -> None:
    """Set a byte of the archive's first entry, as its directory has it (APPNOTE 4.3.12)."""
    saved(weights(), path)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + at] = value
    path.write_bytes(content)


def newer_zip(path: Path) -> None:
    in_directory(path, 6, 255)


def zip_with_a_name_that_is_no_text(path: Path) -> None:
    in_directory(path, 9, 0x08)
    in_utf8 = bytearray(path.read_bytes())
    in_utf8[in_utf8.index(b"PK\x01\x02") + 46] = 0xFF
    path.write_bytes(in_utf8)


def with_pickle(path: Path, pickled: bytes) -> None:
    """Write what torch writes, with another pickle in it."""
    saved(weights(), path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)


def zip_with_an_empty_pickle(path: Path) -> None:
    with_pickle(path, b"")


def zip_with_an_unknown_operation(path: Path) -> None:
    with_pickle(path, b"\x80\x02\x00.")


def zip_with_a_global_that_is_no_text(path: Path) -> None:
    with_pickle(path, b"\x80\x02c\x80\xff\n\xfe\n.")


def zip_with_a_global_without_a_name(path: Path) -> None:
    with_pickle(path, b"\x80\x02c\n\n.")


DAMAGED_ZIPS = (
    newer_zip,
    zip_with_a_name_that_is_no_text,
    zip_with_an_empty_pickle,
    zip_with_an_unknown_operation,
    zip_with_a_global_that_is_no_text,
    zip_with_a_global_without_a_name,
)
BAD = (
    cut,
    cut_safetensors,
    empty,
    pointer,
    page,
    noise,
    other_zip,
    broken_pickle,
    numbers,
    discriminator,
    *DAMAGED_ZIPS,
)


@pytest.mark.parametrize("make", BAD)
def test_what_holds_no_weights_is_one_sentence(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "bad.pth")
    with pytest.raises(CheckpointError) as refused:
        read_checkpoint(tmp_path / "bad.pth")
    assert "bad.pth" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_checkpoint(tmp_path / "no.pth")


@pytest.mark.parametrize("name", [b"a" * 40_000, b"a\xe9" * 20_000, b"a" * 20_000 + b" must be " + b"b" * 20_000])
@pytest.mark.parametrize("end", [b"\n.", b""])
def test_an_endless_name_is_refused_before_pytorch_searches_its_own_message(
    name: bytes, end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searches(*_: object, **__: object) -> None:
        pytest.fail("PyTorch takes minutes to search through its refusal")

    monkeypatch.setattr("torch.load", searches)
    plain = tmp_path / "endless.pth"
    plain.write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02cbuiltins\n" + name + end)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02cbuiltins\n" + name + end)
    for path in (plain, packed):
        with pytest.raises(CheckpointError, match="damaged"):
            read_checkpoint(path)
