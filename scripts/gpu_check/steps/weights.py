"""Draws the numbers of networks, all at once on as many cores as there are."""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import monotonic

from gpu_check.graphs import fill
from gpu_check.steps.telling import told


def main() -> None:
    """Fill the networks of the order, the first ones first."""
    ordered = told()
    networks = [(name, ordered.work / "networks" / name) for name in ordered.order["networks"]]
    began_s = monotonic()
    with ProcessPoolExecutor(max(1, min(len(networks), os.cpu_count() or 1))) as pool:
        filled = {pool.submit(_size, name, into): name for name, into in networks}
        for one in as_completed(filled):
            ordered.found(network=filled[one], mb=one.result(), after_s=round(monotonic() - began_s, 1))


def _size(name: str, into: Path) -> int:
    fill(name, into)
    return round(sum(path.stat().st_size for path in into.iterdir()) / 1e6)


if __name__ == "__main__":
    main()
