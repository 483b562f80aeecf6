"""Weights are loaded only when they are what the manifest says, and quietly."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mien_models.errors import ModelError
from mien_models.library import builtin


def test_damaged_weights_are_refused_with_both_hashes() -> None:
    manifest = replace(builtin.read_manifest("facemesh_468"), sha256="0" * 64)
    with pytest.raises(ModelError, match=r"damaged: sha256 should be 000.*, is 1055cb.*Reinstall"):
        builtin.read_weights(manifest)


def test_missing_weights_are_one_sentence() -> None:
    manifest = replace(builtin.read_manifest("facemesh_468"), file="gone.tflite")
    with pytest.raises(ModelError, match=r"'facemesh_468' should be in .*gone\.tflite"):
        builtin.read_weights(manifest)


def test_content_that_is_no_network_is_a_model_error() -> None:
    manifest = builtin.read_manifest("facemesh_468")
    with pytest.raises(ModelError, match=r"should be one that LiteRT runs"):
        builtin.SESSIONS.load("litert")(b"no network" * 100, manifest)


def test_weights_that_do_not_fit_their_manifest_are_refused() -> None:
    manifest = builtin.read_manifest("facemesh_468")
    wrong = replace(manifest, input=replace(manifest.input, shape=(1, 128, 128, 3)))
    with pytest.raises(ModelError, match=r"should take"):
        builtin.open_session(wrong)


def test_a_landmarker_is_not_loaded_as_a_detector() -> None:
    with pytest.raises(ModelError, match=r"'facemesh_468' is a landmarker, where a detector is needed"):
        builtin.load_detector("facemesh_468")


def test_a_session_gives_arrays_that_the_next_run_leaves_alone() -> None:
    manifest = builtin.read_manifest("facemesh_468")
    session = builtin.open_session(manifest)
    first = session.run({"input_1": np.zeros(manifest.input.shape, np.float32)})
    kept = {name: array.copy() for name, array in first.items()}
    session.run({"input_1": np.ones(manifest.input.shape, np.float32)})
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)
        assert array.shape == next(o.shape for o in manifest.outputs if o.name == name)


def test_loading_says_nothing_on_the_terminal_but_lets_others_speak() -> None:
    program = (
        "import os; from mien_models.library import builtin\n"
        "from mien_models.system.stderr_descriptor import without_lines\n"
        "builtin.open_session(builtin.read_manifest('facemesh_468'))\n"
        "with without_lines(lambda line: line == b'mine\\n'): os.write(2, b'mine\\nsomebody else\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert (done.stdout, done.stderr) == ("", "somebody else\n")
