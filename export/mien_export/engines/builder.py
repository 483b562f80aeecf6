"""The process in which an engine is built: an order as JSON comes in, lines of what is done go out."""

import json
import sys
from pathlib import Path
from typing import Any

from mien_export.engines.contracts import BUILDERS, Order
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge


def main() -> int:
    """Build what standard input says."""
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    cache = told["timing_cache"]
    order = Order(
        Path(told["model"]),
        Path(told["engine"]),
        tuple(told["targets"]),
        told["largest_batch"],
        None if cache is None else Path(cache),
    )
    failures: list[MienError] = []
    with edge("The building of an engine failed", failures.append):
        BUILDERS.load(told["kind"]).build(order, lambda phase: _say("phase", phase))
    for failure in failures:
        _say("fault", str(failure))
    return 1 if failures else 0


def _say(what: str, text: str) -> None:
    sys.stdout.write(json.dumps({what: text}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
