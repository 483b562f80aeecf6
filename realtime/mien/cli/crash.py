"""What is left behind when Mien itself is at fault."""

import platform
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata

from mien import folders
from mien_models.causes import cause_of


def write_crash(error: BaseException, arguments: Sequence[str]) -> str:
    """Write the details to a log file of their own and give the sentence for the user."""
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    now = datetime.now(UTC)
    path = folders.state_folder() / f"crash-{now:%Y%m%d-%H%M%S-%f}.log"
    text = "\n".join(
        [
            f"mien {metadata.version('mien')}, Python {platform.python_version()}, {platform.platform()}",
            f"at {now.isoformat(timespec='seconds')}",
            f"mien {' '.join(arguments)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as failure:
        return f"Mien is at fault ({what}), and {str(path)!r} could not be written ({cause_of(failure)}); see --debug."
    return f"Mien is at fault ({what}). The details are in {str(path)!r}; please report them."
