"""`mien.toml` and the environment: what stands behind a zero byte are variables, one a line."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mien.config.settings import Settings
from mien.config.settings_file import as_toml, load_settings
from mien.session.options import resolve
from mien.session.source_faces import photos_of
from mien.session.stages import check_names

_EXAMPLES: Final = (
    'face = ["a.jpg"]\nconsent = "self"\nsinks = ["window", "file:out.mp4"]\nsize = "640x480"\nfps = "30"\n',
    'masks = ["history", "xseg:net.onnx"]\nenhance = "gpen:x.onnx"\nassign = "anna.jpg=me.png,bob.jpg=none"\n',
    '[policy]\nlost = "freeze"\nprivacy = "card"\n[edge]\nerode = 0.1\nfeather = 0.2\n',
    'strength = 0.5\nboost = 2\nmorph = 0.1\nthreads = 1\nseconds = 3.5\nlanguage = "de"\nreport = "r.json"\n',
)
_VARIABLES: Final = ('MIEN_SIZE=1x1\nMIEN_SINKS=["null"]', "MIEN_POLICY__LOST=blur\nMIEN_THREADS=2", "MIEN_FACE=x")


class _Settings:
    tokens = (*(name.encode() for name in Settings.model_fields), b"MIEN_", b"inf", b"nan", b"1e999", b"[[", b"\\u")

    def seeds(self) -> Sequence[bytes]:
        usual = as_toml(load_settings({}))
        files = [*_EXAMPLES, usual]
        return [f"{text}\0{_VARIABLES[number % 3]}".encode() for number, text in enumerate(files)]

    def run(self, content: bytes, folder: Path) -> None:
        text, _, variables = content.partition(b"\0")
        file = folder / "mien.toml"
        file.write_bytes(text)
        with _environment(variables.decode("utf-8", "surrogateescape")):
            settings = load_settings({}, file)
        options = resolve(settings)
        photos_of(options.faces.faces)
        check_names(options)
        file.write_text(as_toml(settings), encoding="utf-8")
        again = load_settings({}, file)
        assert repr(again) == repr(settings), "what is printed is not what counts"


@contextmanager
def _environment(variables: str) -> Iterator[None]:
    before = dict(os.environ)
    for line in variables.splitlines():
        name, _, value = line.partition("=")
        if name.startswith("MIEN_") and not name.endswith("_DIR") and "\0" not in line:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


TARGET: Final = _Settings()
