"""Standard streams that are closed, full, gone or unable to hold a character: a sentence, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.real_runs import mien, sentence_of

from mien.session.audit import local_audit_log

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed in a shell")


def in_shell(redirections: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = f'"$@" {redirections}'
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "mien", *words], capture_output=True, check=False
    )


@pytest.mark.parametrize(
    ("redirections", "said"),
    [(">/dev/full", "the disk is full"), (">&-", "it is closed"), ("<&- >&-", "it is closed")],
)
@pytest.mark.parametrize("words", [("--version",), ("log", "show", "--json")])
def test_a_result_that_cannot_be_written_is_a_failure_in_one_sentence(
    redirections: str, said: str, words: tuple[str, ...]
) -> None:
    if redirections == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("there is no full device")
    done = in_shell(redirections, *words)
    assert done.returncode == 1
    assert said in sentence_of(done.stderr)
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_has_gone_is_one_sentence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = mien("models", "list", "--json", stdout=writing)
    os.close(writing)
    assert done.returncode == 1
    assert "whoever should read it has gone" in sentence_of(done.stderr)


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", "<&- >&- 2>&-", "2>&1 >/dev/null | true"])
def test_words_that_nobody_can_read_change_nothing(tmp_path: Path, redirections: str) -> None:
    (tmp_path / "none.mp4").touch()
    done = in_shell(redirections, "verify", str(tmp_path / "missing.mp4"))
    assert done.returncode == (0 if "|" in redirections else 1)
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "none.mp4").read_bytes() == b""


def test_a_file_of_ours_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """Libraries print to number 2 whatever it is."""
    code = (
        "import os, sys\n"
        "from mien_models.system.streams import standard_streams\n"
        "with standard_streams():\n"
        "    file = open(sys.argv[1], 'w')\n"
        "    file.write(str(file.fileno()))\n"
    )
    subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code, str(tmp_path / "out")], check=True
    )
    assert int((tmp_path / "out").read_text()) > 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_a_console_that_cannot_show_a_character_shows_another(encoding: str) -> None:
    local_audit_log().append("output", "0123ab", {"to": ["Zoë 図 \udcff \x1b[31m.mp4"]})
    done = mien("log", "show", more={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "Zo" in text
    assert "\x1b" not in text


def test_a_table_is_shown_on_a_console_of_ascii() -> None:
    done = mien("models", "list", more={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert "mesh (built in)" in done.stdout.decode("ascii")


def test_json_is_whole_on_every_console() -> None:
    import json

    local_audit_log().append("output", "0123ab", {"to": ["Zoë 図.mp4"]})
    done = mien("log", "show", "--json", more={"PYTHONIOENCODING": "ascii"})
    assert json.loads(done.stdout)[-1]["fields"] == {"to": ["Zoë 図.mp4"]}


def test_nobody_is_asked_where_stdin_is_closed() -> None:
    done = in_shell("<&-", "log", "purge")
    assert done.returncode == 2
    assert "--yes" in sentence_of(done.stderr)
