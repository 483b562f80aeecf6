"""What is in the folder of models stays whole: replaced only by what works, swept, checked, and called by its name."""

import os
import shutil
from pathlib import Path

import pytest
from tests.models.adding import added, everything_in
from tests.onnx_networks import dfm_network

from mien_models.errors import MienError, ModelError, UsageError
from mien_models.library.inspect import look_as_described, read_description, recheck
from mien_models.library.store import ModelLibrary, is_name, name_like
from mien_models.specs.stored import MANIFEST, manifest_toml


def test_a_model_is_replaced_only_when_asked_and_only_by_one_that_works(library: ModelLibrary, tmp_path: Path) -> None:
    before = added(library, dfm_network(tmp_path / "a.dfm")).stored.manifest
    with pytest.raises(UsageError, match="--replace"):
        added(library, dfm_network(tmp_path / "a.dfm", gain=0.4))
    with pytest.raises(ModelError):
        added(library, dfm_network(tmp_path / "a.dfm", gain=0), replaces=True)
    assert library.find("a").manifest == before
    after = added(library, dfm_network(tmp_path / "a.dfm", gain=0.4), replaces=True).stored.manifest
    assert after.sha256 != before.sha256
    assert everything_in(library) == ["a", "a.dfm", "manifest.toml"]


def test_a_model_that_another_program_added_meanwhile_stays(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> float:
        monkeypatch.undo()
        added(library, dfm_network(tmp_path / "a.dfm", gain=0.4))
        return 1.0

    monkeypatch.setattr("mien_models.library.add.try_out", slow)
    before = dfm_network(tmp_path / "a.dfm")
    with pytest.raises(UsageError, match="already"):
        added(library, before)
    assert library.find("a").weights() == (tmp_path / "a.dfm").read_bytes()


def test_what_a_crash_left_is_swept_when_it_is_old(library: ModelLibrary, tmp_path: Path) -> None:
    for name, age_s in (("old", 2 * 86400), ("new", 60)):
        left = library.folder / f".under-work-{name}"
        (left / "model").mkdir(parents=True)
        made_ns = left.stat().st_mtime_ns - age_s * 10**9
        os.utime(left, ns=(made_ns, made_ns))
    added(library, dfm_network(tmp_path / "a.dfm"))
    assert library.names() == ("a",)
    assert [path.name for path in library.folder.glob(".under*")] == [".under-work-new"]


def test_a_full_disk_is_told(library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien_models.library.store._SPARE_BYTES", 2**62)
    with pytest.raises(ModelError, match="Free some space"):
        added(library, dfm_network(tmp_path / "a.dfm"))
    assert everything_in(library) == []


def test_the_old_model_comes_back_when_the_new_one_cannot_be_placed(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = added(library, dfm_network(tmp_path / "a.dfm")).stored

    def lost(folder: Path, _name: str) -> float:
        shutil.rmtree(folder)
        return 1.0

    monkeypatch.setattr("mien_models.library.add.try_out", lost)
    with pytest.raises(ModelError, match="Models should be kept in"):
        added(library, dfm_network(tmp_path / "a.dfm", gain=0.4), replaces=True)
    assert library.find("a") == before
    recheck(before)


def test_damage_is_found(library: ModelLibrary, tmp_path: Path) -> None:
    stored = added(library, dfm_network(tmp_path / "a.dfm")).stored
    whole = stored.weights_path.read_bytes()
    stored.weights_path.write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="not those that were added"):
        recheck(stored)
    stored.weights_path.write_bytes(whole)
    text = (stored.folder / MANIFEST).read_text("utf-8")
    (stored.folder / MANIFEST).write_text(text.replace("out_celeb_face:0", "elsewhere"), "utf-8")
    with pytest.raises(ModelError, match="'elsewhere'"):
        recheck(library.find("a"))
    (stored.folder / MANIFEST).write_text(text.replace('name = "a"', 'name = "b"'), "utf-8")
    with pytest.raises(ModelError, match="holds 'b'"):
        library.find("a")
    library.remove("a")
    assert library.names() == ()


def test_a_manifest_that_somebody_wrote_is_taken_with_its_file(library: ModelLibrary, tmp_path: Path) -> None:
    stored = added(library, dfm_network(tmp_path / "a.dfm")).stored
    written = tmp_path / "mine.toml"
    text = manifest_toml(stored.manifest)
    written.write_text(text, "utf-8")
    candidate = look_as_described(tmp_path / "a.dfm", read_description(written))
    assert candidate.found.specs[""] == stored.manifest.network
    with pytest.raises(ModelError, match="sha256 should be"):
        look_as_described(dfm_network(tmp_path / "b.dfm", gain=0.4), read_description(written))
    for bad in ("../a.dfm", "/etc/passwd", "..", MANIFEST):
        written.write_text(text.replace('file = "a.dfm"', f'file = "{bad}"'), "utf-8")
        with pytest.raises(ModelError, match="beside it"):
            read_description(written)
    written.write_text("name = 3", "utf-8")
    with pytest.raises(ModelError, match=r"mine\.toml, line 1"):
        read_description(written)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "A", "con", "nul.onnx", "a.", "-a", "a b", "x" * 65])
def test_a_name_is_that_of_a_folder_anywhere(library: ModelLibrary, tmp_path: Path, name: str) -> None:
    assert not is_name(name)
    assert is_name(name_like(name))
    if name:
        with pytest.raises(UsageError, match="cannot name a model"):
            added(library, dfm_network(tmp_path / "a.dfm"), name=name)
        with pytest.raises(MienError):
            library.find(name)


def test_a_name_that_is_not_there_brings_the_near_miss(library: ModelLibrary, tmp_path: Path) -> None:
    added(library, dfm_network(tmp_path / "ghost.dfm"))
    with pytest.raises(ModelError, match="Did you mean 'ghost'"):
        library.find("gohst")
    with pytest.raises(ModelError, match="Did you mean 'ghost'"):
        library.remove("gohst")
