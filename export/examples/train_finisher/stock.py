"""Pairs in the memory of the processor or the card: they are brought there once, and batches are drawn there."""

from collections.abc import Mapping

import torch
from shards import Columns
from torch import Tensor


class Stock:
    """So many pairs at most; the oldest give way to new ones."""

    def __init__(self, device: str, most: int) -> None:
        self._device, self._most = device, most
        self._held: dict[str, Tensor] = {}
        self._taken_in = 0

    @property
    def count(self) -> int:
        """How many there are to draw from."""
        return min(self._taken_in, self._most)

    def take_in(self, columns: Columns) -> None:
        """Add a file's pairs."""
        fresh = on_device(columns, self._device)
        count = len(fresh["kind"])
        places = (self._taken_in + torch.arange(count, device=self._device)) % self._most
        for key, column in fresh.items():
            if key not in self._held:
                self._held[key] = torch.empty((self._most, *column.shape[1:]), dtype=column.dtype, device=self._device)
            self._held[key][places] = column
        self._taken_in += count

    def batch(self, count: int) -> dict[str, Tensor]:
        """Draw so many by chance."""
        rows = torch.randint(self.count, (count,), device=self._device)
        return {key: column[rows] for key, column in self._held.items()}


def on_device(columns: Columns, device: str) -> Mapping[str, Tensor]:
    """Bring stored pairs to the processor or the card, in 8 bits as they are."""
    return {key: torch.from_numpy(column).to(device) for key, column in columns.items()}
