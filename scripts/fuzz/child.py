"""The process in which a target runs: `child.py fuzz TARGET WORK SECONDS SEED MB`; what it does stands in WORK.

While an input is run it stands in WORK/current, so that the parent knows it whatever becomes of the process.
"""

import faulthandler
import hashlib
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from mutation import mutated
from shrinking import shrunk
from targets import Target, load

sys.path.append(str(Path(__file__).parents[2]))  # the tests' makers of small networks
_OURS: Final = ("mien", "mien_models", "mien_export")
_STATUS_S: Final = 0.5
_LARGEST: Final = 1 << 20


class Run:
    """Runs inputs, one after another, and keeps count. Has state: the counts, and what was found."""

    def __init__(self, target: Target, work: Path) -> None:
        from mien_models.errors import MienError

        self._target, self._work, self._refusals = target, work, MienError
        self._folder = work / "run"
        self._found: set[str] = set()
        self._next_status_s = 0.0
        self.runs = self.refused = 0
        self._slowest_s = 0.0
        self.traceback = ""
        """Of the last exception that was no refusal."""

    def one(self, content: bytes) -> None:
        """Run one input; an exception that is no refusal is written down once for each place where it was raised."""
        (self._work / "current").write_bytes(content)
        began_s = time.monotonic()
        sign = self.outcome(content)
        (self._work / "current").replace(self._work / "last")
        self._slowest_s = max(self._slowest_s, time.monotonic() - began_s)
        self.runs += 1
        if sign is not None and sign not in self._found:
            self._found.add(sign)
            write_finding(self._work / "exceptions", sign, content, self.traceback)
        if began_s >= self._next_status_s:
            self._next_status_s = began_s + _STATUS_S
            self.write_status()

    def outcome(self, content: bytes) -> str | None:
        """Run it; give the sign of an exception that is no refusal, None when all is well."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            self._target.run(content, self._folder)
        except self._refusals:
            self.refused += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.traceback = traceback.format_exc()
            return sign_of(error)
        return None

    def write_status(self) -> None:
        """Say how far it is; the parent reads it."""
        status = {
            "runs": self.runs,
            "refused": self.refused,
            "slowest_s": round(self._slowest_s, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        part = self._work / "status.part"
        part.write_text(json.dumps(status))
        part.replace(self._work / "status.json")


def sign_of(error: BaseException) -> str:
    """Name what failed and where: the class, and the innermost function of ours on its way."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(f"/{name}/" in frame.filename for name in _OURS)]
    place = ours[-1] if ours else frames[-1]
    return f"{type(error).__name__} in {Path(place.filename).stem}.{place.name}"


def write_finding(folder: Path, sign: str, content: bytes, how: str) -> None:
    """Keep an input and how it failed."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(sign.encode()).hexdigest()[:12]
    (folder / f"{name}.input").write_bytes(content)
    (folder / f"{name}.txt").write_text(f"{sign}\n\n{how}")


class _Reads(logging.Handler):
    """Formats every record, as a terminal would, and throws it away."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise what is wrong with it."""
        record.getMessage().encode("utf-8", "backslashreplace")


def prepare(work: Path, *, memory_mb: int | None = None) -> None:
    """Give Mien empty folders of its own, no keychain, and limits."""
    for kind in ("DATA", "CONFIG", "STATE"):
        os.environ[f"MIEN_{kind}_DIR"] = str(work / "home" / kind.lower())
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    logging.getLogger().addHandler(_Reads())
    logging.getLogger().setLevel(logging.INFO)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb is not None:
        # Address space, of which threads and mapped files take much that they never use; the parent watches the rest.
        room = memory_mb * 4 << 20
        resource.setrlimit(resource.RLIMIT_AS, (room, room))


def once(name: str, file: Path) -> int:
    """Run one input and show what becomes of it; its sign stands in the last line."""
    with tempfile.TemporaryDirectory(prefix="fuzz-once-") as made:
        run = _prepared(name, Path(made))
        sign = run.outcome(file.read_bytes())
        print(run.traceback, "refused" if run.refused else "", f"sign: {sign or ''}", sep="\n", flush=True)
    return 0 if sign is None else 1


def shrink(name: str, file: Path, sign: str, seconds: float) -> None:
    """Make an input smaller that fails with an exception, in its file."""
    with tempfile.TemporaryDirectory(prefix="fuzz-shrink-") as made:
        run = _prepared(name, Path(made))
        file.write_bytes(shrunk(file.read_bytes(), lambda less: run.outcome(less) == sign, budget_s=seconds))


def _prepared(name: str, work: Path) -> Run:
    prepare(work)
    return Run(load(name), work)


def _guided(run: Run, corpus: Path, tokens: Sequence[bytes], seconds: float, seed: int) -> None:
    import atheris  # type: ignore[import-untyped] # it has no types

    words = corpus.with_name("tokens")
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in tokens))
    handlers = [f"-handle_{name}=0" for name in ("segv", "abrt", "bus", "fpe", "ill", "xfsz")]
    largest = min(_LARGEST, 2 * max(file.stat().st_size for file in corpus.iterdir()))
    flags = [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-max_len={largest}", f"-dict={words}"]
    limits = ["-timeout=3600", "-rss_limit_mb=0", "-malloc_limit_mb=0", "-len_control=0", "-verbosity=0"]
    fuzzer = cast("Any", atheris)
    fuzzer.Setup([sys.argv[0], str(corpus), *flags, *limits, *handlers], run.one)
    fuzzer.Fuzz()


def _blind(run: Run, corpus: Path, tokens: Sequence[bytes], seconds: float, seed: int) -> None:
    random_ = random.Random(seed)
    seeds = [file.read_bytes() for file in sorted(corpus.iterdir())]
    ends_s = time.monotonic() + seconds
    for content in seeds:
        run.one(content)
    while time.monotonic() < ends_s:
        run.one(mutated(random_.choice(seeds), random_, tokens, seeds))


def fuzz(name: str, work: Path, seconds: float, seed: int, memory_mb: int) -> None:
    """Load the target, and run it on inputs until the time is over."""
    prepare(work, memory_mb=memory_mb)
    try:
        import atheris
    except ImportError:
        engine, target = _blind, load(name)
    else:
        engine = _guided
        with cast("Any", atheris).instrument_imports(include=list(_OURS)):
            target = load(name)
            _warm_up(target, work)
    corpus = work / "corpus"
    if not corpus.is_dir():
        corpus.mkdir()
        for number, content in enumerate(target.seeds()):
            (corpus / f"seed-{number:03d}").write_bytes(content)
    run = Run(target, work)
    try:
        (work / "ready").touch()
        engine(run, corpus, target.tokens, seconds, seed)
    finally:
        run.write_status()


def _warm_up(target: Target, work: Path) -> None:
    """Let what is imported late be imported while imports are looked at."""
    run = Run(target, work)
    for content in target.seeds()[:4]:
        run.outcome(content)


def main(mode: str, name: str, path: Path, *words: str) -> None:
    """Do what the parent asks for."""
    if mode == "fuzz":
        fuzz(name, path, float(words[0]), int(words[1]), int(words[2]))
    elif mode == "shrink":
        shrink(name, path, words[0], float(words[1]))
    else:
        sys.exit(once(name, path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
