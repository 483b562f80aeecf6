"""Where `mien` starts and where every failure becomes one sentence."""

import os
import sys
from collections.abc import Sequence

from mien.cameras.environment import prepare_opencv
from mien.cli.app import app
from mien.cli.crash import write_crash
from mien_models.errors import MienError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mien` and give its exit status; what went wrong becomes one sentence on stderr.

    `--debug` anywhere, or MIEN_DEBUG=1, shows the traceback too.
    """
    prepare_opencv()
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in words or os.environ.get("MIEN_DEBUG", "") not in {"", "0"}
    try:
        app([word for word in words if word != "--debug"], prog_name="mien", obj=is_debug)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except MienError as error:
        if is_debug:
            raise
        print(f"mien: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:
        if is_debug:
            raise
        print(f"mien: {write_crash(error, words)}", file=sys.stderr)
        return 1
    return 0
