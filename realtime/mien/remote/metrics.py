"""What Prometheus reads of a machine that swaps for others: seats, frames, times; nothing of anybody's face."""

from collections.abc import Iterator

from mien.pipeline.metrics import resident_mb
from mien.remote.box import Box

_FPS = 30.0


def metrics_text(box: Box) -> str:
    """Write them in Prometheus' text format."""
    return "".join(
        f"# HELP {name} {what}\n# TYPE {name} {kind}\n{name} {value:g}\n" for name, what, kind, value in measures(box)
    )


def measures(box: Box) -> Iterator[tuple[str, str, str, float]]:
    """Give name, meaning, kind and value of each."""
    seats = box.seats
    yield "mien_seats_taken", "Sessions that swap now.", "gauge", len(seats.taken)
    yield "mien_seats", "Sessions of 30 frames a second that there is room for.", "gauge", seats.count(_FPS)
    yield "mien_draining", "1 while nobody new is let in.", "gauge", float(seats.is_draining)
    yield "mien_frame_ms", "What a frame takes, by the median.", "gauge", seats.frame_ms or 0.0
    yield "mien_frames_total", "Frames swapped.", "counter", seats.frames
    yield "mien_sessions_total", "Sessions let in.", "counter", seats.let_in
    yield "mien_refused_total", "Sessions refused for want of a seat.", "counter", seats.refused
    yield "mien_resident_mb", "Memory of this process.", "gauge", resident_mb()
