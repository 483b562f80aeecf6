"""The process in which an engine is built: an order as JSON comes in, lines of what is done go out."""

import json
import sys
from pathlib import Path
from typing import Any

from mien_export.engines.contracts import BUILDERS, Order
from mien_models.errors import MienError


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
    try:
        BUILDERS.load(told["kind"]).build(order, lambda phase: _say("phase", phase))
    except MienError as error:
        _say("fault", str(error))
        return 1
    return 0


def _say(what: str, text: str) -> None:
    sys.stdout.write(json.dumps({what: text}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
