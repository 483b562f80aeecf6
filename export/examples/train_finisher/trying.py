"""A network is tried on people who were held back: how far off each kind of place was, before and after; and sheets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from examples_of import Examples, examples
from finishing_network import Finisher
from numpy.typing import NDArray
from objective import errors_by_place
from shards import held_back_of, shards
from stock import on_device
from teaching import finished

FILES: Final = 20
"""Tried on are always the first files' people, so that lines can be compared with each other."""
TRIED_ON: Final = 240
SHOWN: Final = 36
ABREAST: Final = 3
"""A sheet shows so many people, so many side by side, each composed, finished and as it should be."""


class Trial:
    """Keeps what a network is tried on."""

    def __init__(self, folder: Path, device: str, held_back: int) -> None:
        self._folder, self._device, self._held_back = folder, device, held_back
        self._known: dict[str, tuple[int, list[Examples]]] = {}

    @torch.no_grad()
    def of(self, network: Finisher, run: Path) -> dict[str, str]:
        """Say how far off pairs were before and after; write sheet.png, and strangers.png, which ends in the wearer."""
        sums: dict[str, list[tuple[float, float]]] = {}
        for batch, out in self._sheet(network, "pairs", run / "sheet.png"):
            for key, value in errors_by_place(out, batch).items():
                sums.setdefault(key, []).append(value)
        self._sheet(network, "strangers", run / "strangers.png")
        means = {key: np.mean(values, axis=0) for key, values in sums.items()}
        return {key: f"{before:.1f}>{after:.1f}" for key, (before, after) in means.items()}

    def _sheet(self, network: Finisher, kind: str, path: Path) -> list[tuple[Examples, torch.Tensor]]:
        tried = [(batch, finished(network, batch).clamp(0, 1)) for batch in self._examples(kind)]
        rows: list[NDArray[np.uint8]] = []
        for batch, out in tried:
            pictures = (batch.composed, out, batch.wanted)
            rows += [np.hstack([_picture(x[one]) for x in pictures]) for one in range(min(3, len(batch.kind)))]
        if rows:
            cv2.imwrite(str(path), _laid_out(rows[:SHOWN]))
        return tried

    def _examples(self, kind: str) -> list[Examples]:
        there = shards(self._folder, kind)[:FILES]
        count, known = self._known.get(kind, (0, []))
        if count < len(there):
            found = held_back_of(there, self._held_back, TRIED_ON)
            known = [examples(on_device(columns, self._device)) for columns in found]
            self._known[kind] = (len(there), known)
        return known


def _laid_out(rows: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    filled = [*rows, *(np.zeros_like(rows[0]) for _ in range(-len(rows) % ABREAST))]
    return np.asarray(np.hstack([np.vstack(filled[start::ABREAST]) for start in range(ABREAST)]), np.uint8)


def _picture(tensor: torch.Tensor) -> NDArray[np.uint8]:
    return np.asarray(tensor.permute(1, 2, 0).cpu().numpy() * 255 + 0.5, np.uint8)
