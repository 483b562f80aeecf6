"""However a program, a thread or a child process fails, it ends in one sentence; no failure brings a second one."""

import faulthandler
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest

from mien_models.errors import FaultError, MienError, PhotoError, UsageError
from mien_models.system.crash.child import answer
from mien_models.system.crash.edge import edge
from mien_models.system.crash.program import run_program, say
from mien_models.system.crash.record import crash_folder


class PanicError(BaseException):
    """What a library's panic looks like: no Exception."""


def crashes() -> list[Path]:
    return sorted(crash_folder().glob("crash-*")) if crash_folder().is_dir() else []


def runs(error: BaseException | None, words: tuple[str, ...] = ("run",)) -> int:
    def work(_words: list[str], _is_debug: bool) -> None:
        if error is not None:
            raise error

    return run_program("mien", words, work)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 0, ""),
        (PhotoError("No face in 'a.jpg'; take another."), 1, "mien: No face in 'a.jpg'; take another.\n"),
        (UsageError("No such sink."), 2, "mien: No such sink.\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(), 0, ""),
        (SystemExit(0), 0, ""),
        (SystemExit(143), 143, ""),
        (SystemExit("A library gives up."), 1, "mien: A library gives up.\n"),
    ],
)
def test_what_is_no_fault_leaves_no_file(
    error: BaseException | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs(error) == status
    assert capsys.readouterr().err == said
    assert crashes() == []


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), PanicError("panicked"), ValueError("y")])
def test_everything_else_is_one_sentence_and_a_file(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs(error) == 1
    said = capsys.readouterr().err
    assert said.startswith("mien: Mien is at fault")
    assert said.count("\n") == 1
    (path,) = crashes()
    assert repr(str(path)) in said


def test_debug_lets_it_out_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        runs(KeyError("x"), ("run", "--debug"))
    monkeypatch.setenv("MIEN_DEBUG", "1")
    with pytest.raises(PhotoError):
        runs(PhotoError("No."))
    assert crashes() == []


class BrokenStream(io.StringIO):
    """A console whose other end is gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class AsciiStream(io.TextIOWrapper):
    """A console that knows no letters beyond ASCII, and says so by an error."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", errors="strict")


def closed() -> IO[str]:
    stream = io.StringIO()
    stream.close()
    return stream


STREAMS: dict[str, Callable[[], IO[str] | None]] = {
    "none": lambda: None,
    "closed": closed,
    "broken": BrokenStream,
    "ascii": AsciiStream,
}


@pytest.mark.parametrize("name", STREAMS)
def test_where_nothing_can_be_said_nothing_else_happens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = STREAMS[name]()
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", printed)
    say("mien", "Größe \udcff 1")
    assert runs(KeyError("ß")) == 1
    assert len(crashes()) == 1
    assert printed.getvalue() == ""
    if isinstance(stream, AsciiStream):
        stream.seek(0)
        assert r"mien: Gr\xf6\xdfe \ufffd 1" in stream.read()


def test_output_that_cannot_be_written_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert runs(None) == 1
    assert "could not be written (OSError: [Errno 28] No space left on device)" in capsys.readouterr().err


@pytest.mark.logs_errors
def test_a_thread_without_an_edge_has_one_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    def work(_words: list[str], _is_debug: bool) -> None:
        def fail() -> None:
            raise PanicError("panicked")

        thread = threading.Thread(target=fail, name="mien-test")
        thread.start()
        thread.join()

    before = threading.excepthook, sys.unraisablehook
    assert run_program("mien", ["run"], work) == 0
    assert (threading.excepthook, sys.unraisablehook) == before
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage().startswith("The thread 'mien-test' failed (PanicError: panicked). The details are in")
    assert len(crashes()) == 1


@pytest.mark.logs_errors
def test_what_fails_where_nobody_can_catch_it_is_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    class Careless:
        def __del__(self) -> None:
            raise KeyError("late")

    def work(_words: list[str], _is_debug: bool) -> None:
        Careless()

    assert run_program("mien", ["run"], work) == 0
    assert "Something failed while it was put away (KeyError: 'late')" in caplog.text
    assert len(crashes()) == 1


def test_an_edge_passes_on_what_is_ours_and_writes_down_the_rest() -> None:
    got: list[MienError] = []
    ours = PhotoError("No face.")
    for error in (ours, KeyError("x"), PanicError("y")):
        with edge("The source failed", got.append):
            raise error
    assert got[0] is ours
    assert [type(one) for one in got[1:]] == [FaultError, FaultError]
    assert str(got[1]).startswith("The source failed (KeyError: 'x'). The details are in")
    assert len(crashes()) == 2


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_and_a_wanted_exit_pass_an_edge_of_the_main_thread_and_no_other(ends: type[BaseException]) -> None:
    got: list[MienError] = []

    def work() -> None:
        with edge("It failed", got.append):
            raise ends

    with pytest.raises(ends):
        work()
    assert got == []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(got) == 1


def test_a_childs_answer_is_json_whatever_happens() -> None:
    def unwritable() -> Mapping[str, object]:
        return {"what": object()}

    def refuses() -> Mapping[str, object]:
        raise PhotoError("No face.")

    assert json.loads(answer(lambda: {"ms": 3}, fault="fault", doing="It failed")) == {"ms": 3}
    assert json.loads(answer(refuses, fault="fault", doing="It failed")) == {"fault": "No face."}
    assert crashes() == []
    told = json.loads(answer(unwritable, fault="fault", doing="It failed"))
    assert told["fault"].startswith("It failed (TypeError: Object of type object is not JSON serializable)")
    assert len(crashes()) == 1


FALLS: str = """
import ctypes, sys
from mien_models.system.crash.program import end_process, run_program
def work(words, is_debug):
    if "fall" in words:
        ctypes.string_at(0)
    if "abort" in words:
        import os; os.abort()
    if "wait" in words:
        print("ready", flush=True); sys.stdin.read()
    print("done")
end_process(run_program("mien", None, work))
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the program above, as users do: without Python's development mode."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        process = subprocess.Popen(
            [sys.executable, "-c", FALLS, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "MIEN_STATE_DIR": str(tmp_path / "state")},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in (tmp_path / "state" / "crashes").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="signals end a process on POSIX")
@pytest.mark.parametrize(("word", "number", "kind"), [("fall", 11, "Segmentation fault"), ("abort", 6, "Aborted")])
def test_a_fault_of_native_code_names_its_line_and_is_told_at_the_next_start(
    word: str, number: int, kind: str, program: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    assert ended(program(word))[0] == -number
    assert left(tmp_path) == ["fatal"]
    status, out, err = ended(program("again"))
    assert (status, out) == (0, "done\n")
    assert err.count("\n") == 1
    assert err.startswith(f"mien: An earlier run was ended by the system ({kind} in ")
    (path,) = (tmp_path / "state" / "crashes").iterdir()
    assert str(path) in err
    text = path.read_text(encoding="utf-8")
    assert "in work" in text
    assert f": {word}" in text
    assert "numpy 2" in text
    assert ended(program("again")) == (0, "done\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals end a process on POSIX")
def test_a_run_that_was_killed_is_no_fault_and_one_that_lives_is_left_alone(
    program: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    living = program("wait")
    assert living.stdout is not None
    assert living.stdout.readline() == "ready\n"
    killed = program("wait")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "ready\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert ended(program("again")) == (0, "done\n", "")
    assert left(tmp_path) == ["fatal"]
    assert ended(living)[0] == 0
    assert left(tmp_path) == []


@pytest.mark.logs_errors
def test_a_log_that_cannot_be_written_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = closed()
    monkeypatch.setattr(sys, "stderr", broken)

    def work(_words: list[str], _is_debug: bool) -> None:
        handler = logging.StreamHandler(broken)
        logging.getLogger("mien.test").addHandler(handler)
        try:
            logging.getLogger("mien.test").error("nobody hears this")
        finally:
            logging.getLogger("mien.test").removeHandler(handler)

    assert run_program("mien", ["run"], work) == 0
    assert logging.raiseExceptions
    assert crashes() == []


def no_change(*_: object, **__: object) -> None:
    """Leave pytest's own keeping of native faults alone."""


def test_a_number_that_a_process_had_before_is_no_living_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("faulthandler.is_enabled", lambda: False)
    monkeypatch.setattr("faulthandler.enable", no_change)
    monkeypatch.setattr("faulthandler.disable", no_change)
    crash_folder().mkdir()
    (crash_folder() / f"fatal-{os.getpid()}.txt").write_text("Fatal Python error: Segmentation fault\n")
    assert runs(None) == 0
    assert "ended by the system (Segmentation fault)" in capsys.readouterr().err


def ended_with_a_thread(work: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose command is the function `work` of that code, to its end."""
    code = f"import threading, time; from mien_models.system.crash.program import end_process, run_program\n{work}"
    code += "end_process(run_program('mien', None, work))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("hangs", "printed"), [(True, "first "), (False, "first at the end ")])
def test_a_thread_that_hangs_is_not_stopped_in_the_middle_of_native_code(hangs: bool, printed: str) -> None:
    done = ended_with_a_thread(
        "import atexit; atexit.register(lambda: print('at the end', end=' '))\n"
        "def work(words, is_debug):\n"
        f"    threading.Thread(target=time.sleep, args=(60 if {hangs} else 0,), daemon=True).start(); time.sleep(0.3)\n"
        "    print('first', end=' '); raise SystemExit(3)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, printed, "")


def test_whoever_runs_a_command_inside_a_program_lives_on() -> None:
    code = "import threading, time; from mien_models.system.crash.program import run_program\n"
    code += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    code += "status = run_program('mien', None, lambda words, is_debug: None); print('alive', status, flush=True)\n"
    code += "import os; os._exit(7)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "alive 0\n", "")


def test_a_network_that_is_still_being_loaded_does_not_abort_a_run_that_ends() -> None:
    done = ended_with_a_thread(
        "from mien.diagnostics.doctor.provider_probe import NETWORK\n"
        "from mien_models.runtimes.ort.library import onnxruntime\n"
        "def load():\n"
        "    while True: onnxruntime.InferenceSession(str(NETWORK), providers=['CPUExecutionProvider'])\n"
        "def work(words, is_debug):\n"
        "    for _ in range(3): threading.Thread(target=load, daemon=True).start()\n"
        "    time.sleep(1.5)\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_question_leaves_nothing(program: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    for words in ((), ("--help",), ("run", "-h"), ("--version",)):
        assert ended(program(*words)) == (0, "done\n", "")
    assert not (tmp_path / "state").exists()


def test_a_state_folder_that_cannot_be_made_stops_nobody(
    program: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    assert ended(program("again")) == (0, "done\n", "")


def test_a_childs_native_fault_is_on_its_stderr_with_the_line() -> None:
    code = (
        "import ctypes; from mien_models.system.crash.child import answer\n"
        "answer(lambda: ctypes.string_at(0), fault='fault', doing='It failed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "<lambda>" in done.stderr


def test_pythons_own_keeping_of_native_faults_is_left_as_it_was() -> None:
    assert faulthandler.is_enabled(), "pytest's, and that of `python -X dev`"
    assert runs(None) == 0
    assert faulthandler.is_enabled()
