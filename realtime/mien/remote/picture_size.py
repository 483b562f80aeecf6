"""How large pictures are sent: as large as the line has bits for."""

from typing import Final

from mien.remote.protocol import LARGEST_SIDE_PX

_BITS_PER_PIXEL: Final = 0.03
"""A frame coded with fewer shows blocks; a smaller one looks better."""
_SHARES: Final = (1.0, 0.75, 0.5, 0.375)
_ROOM: Final = 1.4
"""A larger size is only gone back to where there are so many times the bits it needs: sizes do not flicker."""
_PATIENCE: Final = 30
"""Frames for which another size must have fitted better: a new size costs a whole picture."""
_LEAST_PX: Final = 160


class PictureSize:
    """Has state: the share of the frame's size that is sent, and how long another would have fitted better."""

    def __init__(self) -> None:
        self._step = 0
        self._wish, self._wished = 0, 0
        self.sent: tuple[int, int] | None = None
        """Width and height of late."""

    def fitting(self, width: int, height: int, fps: float, bits_per_s: int | None) -> tuple[int, int]:
        """Give width and height, both even, for a frame's size and the bits a second that the line takes."""
        cap = min(LARGEST_SIDE_PX / max(width, height), 1.0)
        if bits_per_s is not None:
            self._consider(width * height * cap * cap * fps * _BITS_PER_PIXEL, bits_per_s, round(width * cap))
        share = cap * _SHARES[self._step]
        self.sent = (width, height) if share == 1.0 else (_even(width * share), _even(height * share))
        return self.sent

    def _consider(self, needs: float, bits_per_s: int, width: int) -> None:
        wish = next(
            (
                step
                for step, share in enumerate(_SHARES)
                if needs * share * share * (_ROOM if step < self._step else 1.0) <= bits_per_s
            ),
            len(_SHARES) - 1,
        )
        while wish > 0 and width * _SHARES[wish] < _LEAST_PX:
            wish -= 1
        self._wished = self._wished + 1 if wish == self._wish and wish != self._step else 0
        self._wish = wish
        if self._wished >= _PATIENCE:
            self._step, self._wished = wish, 0


def _even(length: float) -> int:
    return max(int(length) // 2 * 2, 2)
