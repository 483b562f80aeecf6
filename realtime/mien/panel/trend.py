"""The last two minutes of a session in numbers, for small charts."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mien.panel.status import StatusView

_KEPT: Final = 240
_WIDTH, _HEIGHT = 240.0, 64.0
_ROOM: Final = 1.15
"""The highest value stands a little below the top."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    age_ms: float | None
    age_p95_ms: float | None
    fps_in: float | None
    fps_out: float | None
    dropped: int
    stages_ms: Mapping[str, float]


class Trend:
    """Keeps samples of one session; of another one it begins anew. Has state: them. One thread adds, any reads."""

    def __init__(self) -> None:
        self._session = ""
        self._samples: deque[Sample] = deque(maxlen=_KEPT)

    def add(self, status: StatusView) -> None:
        """Take a look."""
        if status.session_id != self._session:
            self._session, self._samples = status.session_id, deque(maxlen=_KEPT)
        run = status.run
        self._samples.append(
            Sample(
                run.recent_age_ms,
                run.recent_age_p95_ms,
                run.fps_in,
                run.fps_out,
                sum(run.dropped.values()) + sum(sink.dropped for sink in run.sinks),
                dict(run.recent_stages_ms),
            )
        )

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The last ones, the oldest first."""
        return tuple(self._samples)


def line_chart(rows: Sequence[Sequence[float | None]], *, top: float | None = None, mark: float | None = None) -> str:
    """Draw lines over each other as SVG, the first with a surface below it; nothing in it comes from outside.

    Args:
        rows: the values of each line, of the same moments; None leaves a gap.
        top: the value at the upper edge; by default a little above the highest.
        mark: a value that is drawn as a dashed line.
    """
    known = [value for row in rows for value in row if value is not None]
    highest = max([*known, mark or 0.0, 1e-6])
    edge = highest * _ROOM if top is None else top
    parts = [f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" preserveAspectRatio="none" aria-hidden="true">']
    if mark is not None:
        at = _y(mark, edge)
        parts.append(
            f'<line x1="0" x2="{_WIDTH:.0f}" y1="{at:.1f}" y2="{at:.1f}" style="stroke:var(--lost)" '
            'stroke-opacity=".7" stroke-dasharray="4 5" vector-effect="non-scaling-stroke"/>'
        )
    for number, row in enumerate(rows):
        points = [(_x(place, len(row)), _y(value, edge)) for place, value in enumerate(row) if value is not None]
        if len(points) < 2:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if number == 0:
            below = f"{points[0][0]:.1f},{_HEIGHT} {path} {points[-1][0]:.1f},{_HEIGHT}"
            parts.append(f'<polygon points="{below}" style="fill:var(--accent)" fill-opacity=".14"/>')
        colour = "var(--accent)" if number == 0 else "var(--second)"
        parts.append(
            f'<polyline points="{path}" fill="none" style="stroke:{colour}" stroke-width="2" stroke-linejoin="round" '
            'vector-effect="non-scaling-stroke"/>'
        )
    return "".join([*parts, "</svg>"])


def _x(place: int, count: int) -> float:
    # The newest is always at the right edge; a session that has just begun fills a quarter of the way.
    shown = max(count, _KEPT // 4)
    return _WIDTH * (shown - count + place) / (shown - 1)


def _y(value: float, top: float) -> float:
    return _HEIGHT - 1 - (_HEIGHT - 3) * min(value / top, 1.0)
