"""Tell whether long tests were passed by these very files: `python scripts/unchanged.py torch`, status 0 where so.

`.ci/passed.json` keeps, for each group of long tests, git's names of the contents that they were last passed with. CI
leaves a group out whose files are the same to the last byte; `scripts/check.py` without more words never does.
`--note` notes what is committed now, after the group was run by hand.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

_NOTED: Final = Path(__file__).parent.parent / ".ci" / "passed.json"
_BOTH: Final = ("pyproject.toml", "uv.lock", "models", "tests/conftest.py")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "torch": (
        *_BOTH,
        "export",
        "scripts/with_torch.py",
        "tests/export",
        "tests/onnx_networks.py",
        "tests/stored_models.py",
    ),
    "camera": (*_BOTH, "realtime", "tests/camera_vm"),
}
"""What each group is there for, as paths in the repository: what the live program does with networks has tests without
torch."""


def is_unchanged(group: str) -> bool:
    """Tell whether the files of a group are those that it was passed with; False where there is no git to ask."""
    contents = _contents(group)
    return contents is not None and _noted().get(group) == contents


def note(group: str) -> None:
    """Note the committed files of a group as those that it was passed with."""
    _NOTED.write_text(json.dumps({**_noted(), group: _contents(group)}, indent=1) + "\n", "utf-8")


def _noted() -> dict[str, dict[str, str] | None]:
    return cast("dict[str, dict[str, str] | None]", json.loads(_NOTED.read_text("utf-8"))) if _NOTED.exists() else {}


def _contents(group: str) -> dict[str, str] | None:
    paths = GROUPS[group]
    if _git("status", "--porcelain", "--", *paths) != "":
        return None
    names = _git("rev-parse", *(f"HEAD:{path}" for path in paths))
    return None if names is None else dict(zip(paths, names.split(), strict=True))


def _git(*words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=_NOTED.parent.parent, check=False, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def main() -> int:
    """Answer, or note."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--note", action="store_true", help="Note that the committed files passed.")
    wish = parser.parse_args()
    if wish.note:
        note(wish.group)
    return 0 if is_unchanged(wish.group) else 1


if __name__ == "__main__":
    raise SystemExit(main())
