"""Settings: four layers, every mistake named."""

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.config.settings_file import as_toml, load_settings
from mien_models.errors import UsageError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings({}).colour == "mkl"
    Path("mien.toml").write_text('colour = "none"')
    assert load_settings({}).colour == "none"
    monkeypatch.setenv("MIEN_COLOUR", "mean_std")
    assert load_settings({}).colour == "mean_std"
    assert load_settings({"colour": "histogram"}).colour == "histogram"


def test_the_layers_of_a_table_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mien.toml").write_text('[policy]\nlost = "blur"\nfault = "blur"\nprivacy = "blur"')
    monkeypatch.setenv("MIEN_POLICY__FAULT", "freeze")
    policy = load_settings({"policy": {"privacy": "passthrough"}}).policy
    assert (policy.lost.value, policy.fault.value, policy.privacy.value) == ("blur", "freeze", "passthrough")


def test_the_file_of_the_current_folder_hides_the_one_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.mkdir()
    monkeypatch.setenv("MIEN_CONFIG_DIR", str(users))
    (users / "mien.toml").write_text("threads = 3")
    assert load_settings({}).threads == 3
    Path("mien.toml").write_text("threads = 2")
    assert load_settings({}).threads == 2


def test_an_unknown_setting_is_an_error_that_names_the_near_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mien.toml").write_text('collour = "mkl"')
    with pytest.raises(UsageError, match=r"Unknown setting 'collour' in mien.toml; did you mean 'colour'\?"):
        load_settings({})
    Path("mien.toml").write_text('[policy]\nlosst = "card"')
    with pytest.raises(UsageError, match=r"Unknown setting 'policy.losst' in mien.toml; did you mean 'lost'\?"):
        load_settings({})
    Path("mien.toml").unlink()
    monkeypatch.setenv("MIEN_COLOR", "mkl")
    with pytest.raises(UsageError, match=r"'MIEN_COLOR' in the environment; did you mean 'MIEN_COLOUR'\?"):
        load_settings({})


@pytest.mark.parametrize(
    ("flags", "place"),
    [
        ({"size": "1281x720"}, "--size"),
        ({"size": "big"}, "--size"),
        ({"size": "99999x2"}, "--size"),
        ({"fps": "0"}, "--fps"),
        ({"fps": "1/0"}, "--fps"),
        ({"fps": "nan"}, "--fps"),
        ({"fps": "1e9999999999"}, "--fps"),
        ({"seconds": -1.0}, "--seconds"),
        ({"policy": {"lost": "cards"}}, "--lost"),
        ({"provider": "abacus"}, "--provider"),
        ({"label": "never"}, "--label"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_the_name_of_its_flag(flags: dict[str, object], place: str) -> None:
    with pytest.raises(UsageError, match=f"^{place}: .+; found "):
        load_settings(flags)


def test_a_wrong_value_is_blamed_on_the_place_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mien.toml").write_text('fps = "fast"')
    with pytest.raises(UsageError, match=r"^'fps' in mien.toml: .+ found 'fast'"):
        load_settings({})
    monkeypatch.setenv("MIEN_FPS", "faster")
    with pytest.raises(UsageError, match=r"^MIEN_FPS: .+ found 'faster'"):
        load_settings({})


def test_a_file_that_is_missing_or_damaged_is_said() -> None:
    with pytest.raises(UsageError, match=r"'none.toml' cannot be read"):
        load_settings({}, Path("none.toml"))
    Path("mien.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_settings({})


def test_a_rate_is_read_exactly() -> None:
    assert load_settings({"fps": "30000/1001"}).fps == Fraction(30000, 1001)
    assert load_settings({"fps": "29.97"}).fps == Fraction(2997, 100)
    assert load_settings({"fps": "29.970000000000001"}).fps == Fraction(2997, 100)


def test_one_sink_or_a_list_of_sinks_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_SINKS", "file:a, b.mp4")
    assert load_settings({}).sinks == ("file:a, b.mp4",)
    monkeypatch.setenv("MIEN_SINKS", '["window", "null"]')
    assert load_settings({}).sinks == ("window", "null")
    monkeypatch.setenv("MIEN_SINKS", '["window"')
    with pytest.raises(UsageError, match="MIEN_SINKS"):
        load_settings({})


def test_one_photo_or_several_of_a_face_can_be_given() -> None:
    assert load_settings({"face": ["a.jpg", "b.jpg#2"]}).face == ("a.jpg", "b.jpg#2")
    Path("mien.toml").write_text('face = "a.jpg"', encoding="utf-8")
    assert load_settings({}).face == ("a.jpg",)


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=3, max_size=20).filter(str.strip)


@given(
    face=st.lists(_TEXT, max_size=3).map(tuple),
    sinks=st.lists(_TEXT, max_size=3),
    size=st.none() | st.tuples(st.integers(32, 3840), st.integers(32, 3840)),
    fps=st.none() | st.fractions(1, 240, max_denominator=1001),
    lost=st.sampled_from(["card", "freeze", "blur", "passthrough"]),
    label=st.sampled_from(["on", "art"]),
)
def test_what_is_printed_as_toml_reads_back_as_the_same_settings(
    face: tuple[str, ...],
    sinks: list[str],
    size: tuple[int, int] | None,
    fps: Fraction | None,
    lost: str,
    label: str,
) -> None:
    sides = None if size is None else f"{size[0] * 2}x{size[1] * 2}"
    flags = {
        "face": face,
        "sinks": sinks,
        "size": sides,
        "fps": None if fps is None else str(fps),
        "policy": {"lost": lost},
        "label": label,
    }
    settings = load_settings(flags)
    assert load_settings(tomllib.loads(as_toml(settings))).model_dump() == settings.model_dump()


def test_no_file_and_no_variable_can_leave_out_the_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mien.toml"
    file.write_text('label = "off"', encoding="utf-8")
    with pytest.raises(UsageError, match=r"one run only; give that run --label off"):
        load_settings({}, file)
    file.write_text('label = "art"', encoding="utf-8")
    assert load_settings({}, file).label == "art"
    assert 'label = "off"' not in as_toml(load_settings({"label": "off"}, file))
    monkeypatch.setenv("MIEN_LABEL", "off")
    with pytest.raises(UsageError, match="MIEN_LABEL"):
        load_settings({"label": "on"})


@pytest.mark.parametrize(
    ("given", "masks"),
    [
        (["history,hands"], ("history", "hands")),
        (["history", "hands"], ("history", "hands")),
        (["history,xseg:left,right.onnx"], ("history", "xseg:left,right.onnx")),
    ],
)
def test_masks_may_stand_in_one_flag_with_commas_between_them(given: list[str], masks: tuple[str, ...]) -> None:
    assert load_settings({"masks": given}).masks == masks
