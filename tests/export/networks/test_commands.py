"""`mien-export onnx` and `mien-export verify`, from checkpoint to the user's folder of models."""

import json
import pickle
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from tests.export.networks.golden import recipe
from typer.testing import CliRunner, Result

from mien_export.architectures._mobilefaceswap_face import FaceWeights
from mien_export.architectures.mobilefaceswap import MobileFaceSwapModule
from mien_export.architectures.simswap_arcface import SimSwapArcFace, SimSwapArcFaceModule
from mien_export.cli.app import app
from mien_export.contracts import ARCHITECTURES
from mien_export.graph import ExportError
from mien_export.proof.gates import Gates
from mien_export.proof.measuring import Measured
from mien_export.seeded import LAST_COUNTER, seeded_checkpoint
from mien_models.architectures._registry import UNKNOWN_TERMS
from mien_models.errors import UsageError
from mien_models.library.add import Wishes, add, chosen
from mien_models.library.inspect import look_at
from mien_models.library.store import ModelLibrary
from mien_models.specs.network import SwapSpec

SAVE: Callable[..., None] = torch.save
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 3)
    SAVE({"epoch": 7, "state_dict": {f"module.{key}": one for key, one in state.items()}}, "trained.pth")
    _, other = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 4)
    SAVE(other, "other.pth")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def listed() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_checkpoint_becomes_a_model_that_is_added_without_a_question(tmp_path: Path) -> None:
    done = run("onnx", "trained.pth", "-o", "net.onnx", "--emap", "none", "--licence", "MIT")
    assert done.exit_code == 0, done.output
    assert "passed" in done.stdout
    assert "mien models add net.onnx" in done.stderr
    assert listed() == ["net.onnx", "net.proof.json", "net.proof.png", "other.pth", "trained.pth"]
    candidate = look_at(Path("net.onnx"))
    library = ModelLibrary(tmp_path / "models")
    stored = add(library, candidate, chosen(candidate.found, None, "net.onnx"), Wishes(origin="net.onnx")).stored
    assert isinstance(stored.manifest.network, SwapSpec)
    assert stored.manifest.licence.name == "MIT"


def test_a_file_whose_licence_was_not_said_is_added_without_one(tmp_path: Path) -> None:
    done = run("onnx", "trained.pth", "-o", "net.onnx", "--emap", "none")
    assert "nobody said under what licence" in done.stderr
    candidate = look_at(Path("net.onnx"))
    spec = chosen(candidate.found, None, "net.onnx")
    stored = add(ModelLibrary(tmp_path / "models"), candidate, spec, Wishes(origin="net.onnx")).stored
    assert stored.manifest.licence == UNKNOWN_TERMS


def test_a_map_that_is_missing_is_told() -> None:
    done = run("onnx", "trained.pth", "-o", "net.onnx")
    assert "--emap FILE.npy" in done.stderr
    assert "mien models add net.onnx --map FILE.npy" in done.stderr
    assert "exported for crops of 128 px" in done.stderr


def test_what_is_allowed_more_is_written_into_the_file_with_its_reason() -> None:
    words = ("onnx", "trained.pth", "-o", "net.onnx", "--emap", "none", "--json")
    assert isinstance(run(*words, "--gate", "0.01").exception, UsageError)
    assert isinstance(run(*words, "--reason", "six blocks").exception, UsageError)
    done = run(*words, "--gate", "0.01", "--reason", "six blocks")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["files"][0]["raised"] == {"largest": 0.01, "reason": "six blocks"}
    assert told["files"][0]["gates"]["max_error"] == pytest.approx(0.01)
    stamps = {one.key: one.value for one in onnx.load("net.onnx").metadata_props}
    assert json.loads(stamps["mien.gate"]) == {"largest": 0.01, "reason": "six blocks"}
    failed = run("verify", "other.pth", "net.onnx", "--emap", "none")
    assert failed.exit_code == 1
    assert "its export was allowed more" in failed.stdout


def test_what_the_keys_do_not_say_is_asked_in_one_sentence() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("simswap"), "224", 3)
    SAVE(state, "10000_net_G.pth")
    asked = run("onnx", "10000_net_G.pth", "-o", "net.onnx").exception
    assert isinstance(asked, UsageError)
    assert "--variant 224|224-imagenet" in str(asked)
    assert "\n" not in str(asked)


def test_a_face_becomes_a_part_of_a_network_only_with_a_word_on_whose_it_is() -> None:
    SAVE({"predictor.first.weight": torch.zeros(1), "EncoderModulation.0.weight": torch.zeros(1)}, "face.pth")
    asked = run("onnx", "face.pth", "-o", "net.onnx").exception
    assert isinstance(asked, UsageError)
    assert "--face PHOTO" in str(asked)
    half = run("onnx", "face.pth", "-o", "net.onnx", "--face", "photo.jpg", "--face-network", "trained.pth").exception
    assert isinstance(half, UsageError)
    assert "--consent" in str(half)


def as_paddle(state: dict[str, torch.Tensor]) -> dict[str, object]:
    """Name and lay out weights as `paddle.save` writes them: a pickle of arrays."""
    names = {"running_mean": "_mean", "running_var": "_variance"}
    kept: dict[str, object] = {}
    for key, one in state.items():
        before, dot, name = key.rpartition(".")
        is_linear = name == "weight" and len(one.shape) == 2
        kept[f"{before}{dot}{names.get(name, name)}"] = np.ascontiguousarray(
            one.numpy().T if is_linear else one.numpy()
        )
    return {**kept, "StructuredToParameterName@@": {key: f"param_{place}" for place, key in enumerate(kept)}}


def seeded(like: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    shapes = {key: tuple(one.shape) for key, one in like.state_dict().items() if LAST_COUNTER not in key}
    return {key: torch.from_numpy(one) for key, one in recipe.weights(shapes, seed).items()}


@pytest.fixture
def paddle_files() -> None:
    """Write what MobileFaceSwap publishes, narrower: the trained part and the identity network, and two photos."""
    narrow = seeded(MobileFaceSwapModule(4), 8)
    shared = {key: one for key, one in narrow.items() if key.startswith(("final.", "mask."))}
    trained = shared | seeded(FaceWeights(4, 512), 8)
    identity = seeded(SimSwapArcFaceModule(SimSwapArcFace((1, 1, 1, 1))), 9)
    for name, state in (("MobileFaceSwap_224.pdparams", trained), ("arcface.pdparams", identity)):
        Path(name).write_bytes(pickle.dumps(as_paddle(state), protocol=2))
    Path("ann.png").write_bytes((files("skimage") / "data" / "astronaut.png").read_bytes())
    cv2.imwrite("wall.png", np.full((240, 240, 3), 90, np.uint8))


@pytest.mark.usefixtures("paddle_files")
def test_a_photo_is_baked_into_paddles_weights_and_the_file_swaps_without_one(tmp_path: Path) -> None:
    words = ("MobileFaceSwap_224.pdparams", "--face-network", "arcface.pdparams", "--consent", "public-domain")
    nobody = run("onnx", *words, "--face", "wall.png", "-o", "ann.onnx").exception
    assert isinstance(nobody, ExportError)
    assert "'wall.png' shows no face" in str(nobody)
    done = run("onnx", *words, "--face", "ann.png", "-o", "ann.onnx")
    assert done.exit_code == 0, done.output
    stamps = {one.key: one.value for one in onnx.load("ann.onnx").metadata_props}
    assert stamps["mien.consent"] == "public-domain"
    candidate = look_at(Path("ann.onnx"))
    spec = chosen(candidate.found, None, "ann.onnx")
    assert isinstance(spec, SwapSpec)
    assert (spec.architecture, spec.identity.form, spec.blends) == ("mobilefaceswap", "none", True)
    assert add(ModelLibrary(tmp_path / "models"), candidate, spec, Wishes(origin="ann.onnx")).run_ms > 0
    # The face is a part of what is proven: another one is another network.
    mirrored = cv2.imread("ann.png")
    assert mirrored is not None
    cv2.imwrite("mirrored.png", mirrored[:, ::-1])
    assert run("verify", *words[:3], *words[3:], "ann.onnx", "--face", "mirrored.png").exit_code == 1


def test_verify_passes_what_it_is_and_fails_what_it_is_not() -> None:
    assert run("onnx", "trained.pth", "-o", "net.onnx", "--batch", "1").exit_code == 0
    done = run("verify", "trained.pth", "net.onnx", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["passed"]
    failed = run("verify", "other.pth", "net.onnx")
    assert failed.exit_code == 1
    assert "FAILED" in failed.stdout
    assert "allowed" in failed.stdout


def test_a_file_that_fails_a_gate_gets_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def failures(_gates: Gates, _measured: Measured) -> tuple[str, ...]:
        return ("too far away",)

    monkeypatch.setattr(Gates, "failures", failures)
    failed = run("onnx", "trained.pth", "-o", "net.onnx")
    assert isinstance(failed.exception, ExportError)
    assert "too far away" in str(failed.exception)
    assert listed() == ["net.proof.json", "net.proof.png", "other.pth", "trained.pth"]


def test_the_identity_map_becomes_a_part_of_the_graph() -> None:
    generator = np.random.default_rng(0)
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 3)
    length = state["style_blocks.0.style1.weight"].shape[1]
    np.save("emap.npy", generator.normal(size=(length, length)).astype(np.float32) / 8)
    assert run("onnx", "trained.pth", "-o", "net.onnx", "--emap", "emap.npy").exit_code == 0
    assert run("verify", "trained.pth", "net.onnx", "--emap", "emap.npy").exit_code == 0
    assert run("verify", "trained.pth", "net.onnx").exit_code == 1, "a map that was left out must show"
    np.save("emap.npy", np.zeros(5))
    assert "square" in str(run("onnx", "trained.pth", "-o", "net.onnx", "--emap", "emap.npy").exception)


@pytest.mark.parametrize(
    "words",
    [
        ("onnx", "trained.pth", "-o", "net.pth"),
        ("onnx", "trained.pth", "-o", "no/net.onnx"),
        ("onnx", "trained.pth", "-o", "net.onnx", "--batch", "many"),
        ("verify", "trained.pth", "no.onnx"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_read(words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, UsageError)
    assert listed() == ["other.pth", "trained.pth"]
