"""Opens a pickle, which is a program, in a process of its own, and takes only tensors back.

What is kept out, on Linux (x86-64, ARM64): the network, by an own network namespace where the kernel lets users make
one, and by a seccomp filter that refuses every socket, io_uring, and looking into other processes. Memory, computing
time and the size of written files are limited, and no environment variables but the search paths are handed on.

What is not: the program can read and write the files that the user can. Elsewhere than on Linux only Python's own
sockets are blocked, which a determined program gets around. So `--allow-pickle` is for a file whose maker is known, not
for any file; what it says of itself, `Isolation`, is shown to the user.

The process writes a safetensors file, which holds nothing that can run.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from mien_export.checkpoint.errors import CheckpointError
from mien_export.checkpoint.nesting import Taken
from mien_models.system.json_text import json_value

TIME_S: Final = 900
TAKEN_FROM: Final = "mien.taken_from"
PROTECTION: Final = "mien.protection"
_HANDED_ON: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "LANG")


def unpickled(path: Path) -> Taken:
    """Let another process open the file; give the weights that it found.

    Raises:
        CheckpointError: it failed, or held no weights.
    """
    with tempfile.TemporaryDirectory(prefix="mien-pickle-") as folder:
        output = Path(folder) / "weights.safetensors"
        environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        program = "from mien_export.checkpoint.isolated import main; main()"
        # -P and -B: nothing is imported from, and nothing written to, folders that it should leave alone.
        command = [sys.executable, "-P", "-B", "-c", program, str(path.resolve()), str(output)]
        try:
            done = subprocess.run(  # noqa: S603  # our own words and a path
                command,
                env=environment,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=TIME_S,
            )
        except subprocess.TimeoutExpired as error:
            raise CheckpointError(f"{path.name!r} was not open after {TIME_S} s; it was stopped.") from error
        if done.returncode != 0 or not output.is_file():
            said = (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]
            raise CheckpointError(
                f"{path.name!r} could not be opened: {said}. If a module is missing, name the folder of the training "
                "program's code in PYTHONPATH."
            )
        try:
            with safe_open(output, "pt") as file:
                told = file.metadata() or {}
            state = load_file(output)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path.name!r} gave no readable weights ({error}).") from error
    try:
        where, protection = (json_value(told.get(name, '""')) for name in (TAKEN_FROM, PROTECTION))
    except ValueError as error:
        raise CheckpointError(f"{path.name!r} gave no readable weights ({error}).") from error
    return Taken(state, f"{where}, opened in a process with {protection}")
