"""What a crash file holds and what it does not: it is made to be sent to strangers."""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mien_models.errors import SourceError
from mien_models.system.crash.record import brief, crash_folder, keep, sentence_of
from mien_models.system.crash.redaction import redacted, shown_settings, shown_words


def fails(error: BaseException) -> BaseException:
    """Give an error as it is caught: with where it was raised."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught


def files() -> list[Path]:
    return sorted(crash_folder().iterdir()) if crash_folder().is_dir() else []


def written(error: BaseException, *words: str) -> str:
    sentence_of(fails(error), "Mien is at fault", words)
    (path,) = files()
    return path.read_text(encoding="utf-8")


def test_it_holds_the_place_the_versions_and_what_was_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mien.toml").write_text("fps = 25\n[edge]\nerode = 0.1\n")
    monkeypatch.setenv("MIEN_COLOUR", "mkl")
    text = written(KeyError("colour"), "run", "--camera", "0", "--size", "1280x720")
    for part in (
        "KeyError: 'colour'",
        "test_crash_files.py",
        "run --camera 0 --size 1280x720",
        "fps = 25",
        "edge.erode = 0.1",
        "MIEN_COLOUR = mkl",
        "numpy 2.",
        "Python 3.",
    ):
        assert part in text


def test_the_sentence_is_one_line_that_names_the_file() -> None:
    said = sentence_of(fails(KeyError("colour")), "The source failed")
    (path,) = files()
    assert said == f"The source failed (KeyError: 'colour'). The details are in {str(path)!r}; please report them."


def test_only_its_owner_may_read_it() -> None:
    written(KeyError(1))
    assert stat.S_IMODE(files()[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(crash_folder().stat().st_mode) == 0o700


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a user with a home and a name."""
    home = tmp_path / "homes" / "adalove"
    home.mkdir(parents=True)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, "adalove")
    monkeypatch.setattr("platform.node", lambda: "adas-laptop")
    return home


def test_nothing_in_it_says_who_the_user_is(ada: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ada / "secret.pem").write_text("")
    monkeypatch.chdir(ada)
    monkeypatch.setenv("MIEN_PASSPHRASE", "several plain words")
    monkeypatch.setenv("MIEN_FACES", '["Jane Doe.jpg"]')
    Path("mien.toml").write_text(
        'faces = ["grandma.png"]\nsinks = ["rtmp://live.example/app/live_123_abc"]\n'
        'credentials_key = "secret.pem"\nassign = "Bob=Eve"\ncamera = "Ada\'s telephone"\n'
    )
    chained = OSError(2, "No such file", str(ada / "Pictures" / "Jane Doe.jpg"))
    chained.__cause__ = fails(
        ValueError("adalove at adas-laptop asked srt://host:9?passphrase=hunter2 for grandma.png")
    )
    words = ["run", "--face", "Jane Doe.jpg", "--sink", "rtmps://a.example/app/KEY", "--sink=file:My Wedding.mp4"]
    text = written(chained, *words, "--credentials-key", "secret.pem", "--camera", "Ada's telephone")
    for telling in (
        *("adalove", "adas-laptop", str(ada), "Jane", "Doe", "grandma", "live_123", "KEY", "hunter2", "Wedding"),
        *("secret", "several plain words", "Bob", "Eve", "telephone"),
    ):
        assert telling not in text, telling
    assert "--face <hidden>.jpg --sink rtmps://<hidden> --sink=file:<hidden>.mp4" in text
    assert "'~/Pictures/<hidden>" in text


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["run", "--fps", "29.97", "--loop"], "run --fps 29.97 --loop"),
        (["run", "--fps=30000/1001"], "run --fps=30000/1001"),
        (["faces", "add", "me.jpg", "--name", "ada"], "faces add <hidden>.jpg --name <hidden>"),
        (["faces", "remove", "ada", "eve"], "faces remove <hidden> <hidden>"),
        (["run", "--assign", "all"], "run --assign <hidden>"),
        (["run", "--sink", "virtualcam:/dev/video2"], "run --sink virtualcam:<hidden>"),
        (["verify", "https://me:pw@example.org/a.mp4"], "verify https://<hidden>"),
        (["swap", "a b.png", "\udcff.jpg"], "swap <hidden>.png <hidden>.jpg"),
        (["run", "--a secret\n--b"], "run <hidden>"),
        (["", "-"], " <hidden>"),
    ],
)
def test_of_a_command_line_only_what_is_ours_is_shown(words: list[str], shown: str) -> None:
    assert shown_words(words) == shown


def test_of_settings_only_what_is_ours_is_shown() -> None:
    settings = {"fps": 30, "loop": True, "sinks": ["null", "file:a.mp4"], "face": "ada", "api_key": "1", "t": {"x": 2}}
    assert list(shown_settings(settings)) == [
        "fps = 30",
        "loop = true",
        "sinks = null, file:<hidden>.mp4",
        "face = <hidden>",
        "api_key = <hidden>",
        "t.x = 2",
    ]


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))
@example("\udcff '\udcff.jpg", ["\udcff.jpg", "--\0=\0", "=", ":", "#"])
def test_redaction_takes_any_text_and_any_words(text: str, words: list[str]) -> None:
    assert isinstance(redacted(text, words), str)
    assert isinstance(shown_words(words), str)


def test_a_home_is_taken_out_however_it_is_written(ada: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert redacted(f"{ada}/x {ada}: '{ada}' {ada}s") == f"~/x ~: '~' {ada}s"
    monkeypatch.setenv("USERPROFILE", "C:\\Users\\Ada Love")
    assert redacted(r"File 'C:\\Users\\Ada Love\\mien' C:\Users\Ada Love\x C:/Users/Ada Love/x") == (
        r"File '~\\mien' ~\x ~/x"
    )


def test_a_fault_that_comes_back_is_written_once_and_another_beside_it() -> None:
    def one() -> BaseException:
        return fails(KeyError(1))

    assert len({sentence_of(one(), "The stage failed") for _ in range(30)}) == 1
    assert len(files()) == 1
    first = files()[0].stat().st_mtime_ns
    sentence_of(one(), "The stage failed")
    assert files()[0].stat().st_mtime_ns == first
    sentence_of(deep(KeyError(1)), "The stage failed")
    sentence_of(fails(ValueError(1)), "The stage failed")
    assert len(files()) == 3


def test_a_fault_that_comes_back_later_is_written_anew() -> None:
    def once(*words: str) -> None:
        sentence_of(fails(KeyError(1)), "It failed", words)

    once("run")
    long_ago = datetime.now(UTC).timestamp() - 3600
    os.utime(files()[0], (long_ago, long_ago))
    once("swap")
    (path,) = files()
    assert "swap" in path.read_text(encoding="utf-8")


def test_the_newest_twenty_stay() -> None:
    for number in range(25):
        path = keep(f"crash-{number:08x}.txt", "x")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert [path.name for path in files()] == [f"crash-{number:08x}.txt" for number in range(5, 25)]


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def deep(error: BaseException | None = None) -> BaseException:
    """Raise an error from another place than `fails` does; without one, go down until the stack ends."""

    def again() -> None:
        if error is not None:
            raise error
        again()

    try:
        again()
    except (RecursionError, KeyError) as caught:
        return caught
    raise AssertionError


def circular() -> BaseException:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    return one


ODD: dict[str, Callable[[], BaseException]] = {
    "no words": MuteError,
    "many lines": lambda: ValueError("one\ntwo\n\x1b[2J"),
    "half a letter": lambda: ValueError("\udcff \ud800"),
    "endless": lambda: ValueError("x" * 10_000_000),
    "deep": deep,
    "several": lambda: BaseExceptionGroup("some", [ValueError(1), KeyboardInterrupt()]),
    "circular": circular,
    "no memory": MemoryError,
    "none of Exception's": lambda: type("PanicException", (BaseException,), {})("panicked"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_error_is_a_sentence_and_a_file_too(name: str) -> None:
    said = sentence_of(fails(ODD[name]()), "It failed")
    assert said.isprintable()
    assert len(said) < 700
    (path,) = files()
    assert str(path) in said
    assert 0 < path.stat().st_size < 1_000_000
    if name == "no memory":
        assert "not enough memory" in said


def test_what_cannot_be_written_is_said_in_the_same_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    for place in (
        tmp_path / "file",
        tmp_path / "file" / "below",
        Path("/proc/nowhere"),
        Path("x" * 300),
        Path("a\udcff"),
    ):
        monkeypatch.setenv("MIEN_STATE_DIR", str(place))
        monkeypatch.chdir(tmp_path)
        said = sentence_of(fails(KeyError("colour")), "It failed")
        assert said.startswith("It failed (KeyError: 'colour')")
        assert said.isprintable()


def test_a_folder_that_is_gone_and_a_user_without_a_name_do_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise OSError("no such user")

    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("getpass.getuser", nobody)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.delenv(variable, raising=False)
    assert "KeyError" in written(KeyError(1), "run", "--face", "x.jpg")


@pytest.mark.parametrize(
    "second", [MemoryError(), RecursionError(), KeyError(1), OSError(28, "No space left on device")]
)
def test_a_second_failure_never_takes_the_place_of_the_first(
    second: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise second

    monkeypatch.setattr("mien_models.system.crash.record.redacted", fail)
    said = sentence_of(fails(KeyError("colour")), "It failed")
    assert said.startswith("It failed (KeyError: 'colour'); the details could not be written (")
    assert files() == []


def test_ctrl_c_while_it_is_written_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mien_models.system.crash.record.redacted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sentence_of(fails(KeyError(1)), "It failed")


def test_an_error_in_a_few_words() -> None:
    assert brief(SourceError("No camera.")) == "SourceError: No camera"
    assert brief(ZeroDivisionError()) == "ZeroDivisionError"
    assert brief(MuteError()) == "MuteError: it cannot be told"
