"""What a run did, in numbers: the report that `mien run` and `mien swap` write."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from mien.pipeline.metrics import Histogram, Memory
from mien_models.errors import MienError
from mien_models.system.atomic_write import write_text_whole
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.printable import printable, shown

MARKS: Final = "marks"
"""The name under which a report says what the marks cost; in a live run that is a part of `output`."""
_PACKAGES: Final = ("mien", "numpy", "opencv-python-headless", "ai-edge-litert", "onnxruntime", "av", "pyvirtualcam")


@dataclass(frozen=True, slots=True)
class Ages:
    """How old frames were when a sink had taken them, in milliseconds since they left the source."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class StageTime:
    """What one stage cost per frame."""

    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Resident memory in MB (10^6 bytes)."""

    start: float
    peak: float
    end: float


@dataclass(frozen=True, slots=True)
class StateChange:
    """When the live program began to show something else, and why."""

    at_s: float
    """Seconds since the run started."""
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class LoadChange:
    """When an optional part was left out under load or came back, and why."""

    at_s: float
    """Seconds since the run started."""
    part: str
    change: str
    """'dropped' or 'restored'."""
    why: str
    """One sentence for people, which names the part."""


@dataclass(frozen=True, slots=True)
class SinkCount:
    """What one sink got."""

    written: int
    dropped: int


@dataclass(frozen=True, slots=True)
class SoundReport:
    """How a run's sound was."""

    delay_ms: float | None
    """By how much sound is held back where it is played beside the pictures: the 99th percentile of their age."""
    drift_ppm: float
    """How much faster the microphone's clock ran than it says; it was corrected by that."""
    gaps: int
    """How often sound was missing; there is silence."""


@dataclass(frozen=True, slots=True)
class RemoteReport:
    """How the line to the machine that swapped was; times are medians of late."""

    machine: str
    state: str
    why: str
    codec: str | None
    rtt_ms: float | None
    """There and back, without anything being worked on."""
    loss: float | None
    """0..1, the part of the packets that had to be sent again."""
    encode_ms: float | None
    decode_ms: float | None
    there_encode_ms: float | None
    there_decode_ms: float | None
    there_wait_ms: float | None
    """How long a picture waited there for its turn."""
    there_swap_ms: float | None
    back_ms: float | None
    """From sending a frame to having it back: line, codecs, waiting and work together."""
    sent_size: tuple[int, int] | None
    bits_per_s: int | None
    seats: str
    networks: Mapping[str, str]
    """What each network runs on there."""
    lines: int
    """How many lines there were; each after the first was begun because one broke."""
    strangers: int
    """What came back and belonged to no frame that was away: late, lost in part, or in another order."""
    is_taken_over: bool
    """Whether this machine swaps for the moment."""


@dataclass(frozen=True, slots=True)
class Report:
    """One run in numbers; every list in it is bounded.

    The law, which holds for every run that has ended: `frames_in + repeated == frames_out + dropped`. Each output
    frame either carries a captured frame of its own or is a repeat, and each of both kinds is written or dropped.
    `frames_swapped` counts captured frames that were sent to the sinks swapped; `frames_hidden` those that reached the
    output in a state other than LIVE, where something else is shown.
    """

    frames_in: int
    """Frames that the source gave."""
    frames_swapped: int
    frames_out: int
    """Frames that the sink which got most has written."""
    dropped: int
    """Frames displaced by newer ones or left behind at the end; `dropped_by` says where."""
    repeated: int
    """Output frames without a captured frame of their own: cards while nothing comes, and pictures shown again."""
    age_ms: Ages | None
    """None offline, where no frame is in a hurry."""
    stages: Mapping[str, StageTime]
    fps_in: float | None
    fps_out: float | None
    startup_s: float | None
    """From the start of the process until the first swapped frame was sent; None when there was none."""
    rss_mb: MemoryUse
    providers: Mapping[str, str]
    """What each network really ran on."""
    state_changes: tuple[StateChange, ...]
    versions: Mapping[str, str]
    frames_hidden: int = 0
    dropped_by: Mapping[str, int] = field(default_factory=dict[str, int])
    """Where frames were dropped: the mailbox before a stage, 'start' before the networks were loaded, or 'sink'."""
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    """On how many frames each stage failed."""
    sinks: Mapping[str, SinkCount] = field(default_factory=dict[str, SinkCount])
    sound: SoundReport | None = None
    """None without a microphone, and offline."""
    remote: RemoteReport | None = None
    """None where this machine swapped."""
    load_shedding: tuple[LoadChange, ...] = ()
    """What was left out because the machine was too slow, and when it came back; offline nothing ever is."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Anything the reader must know, for instance why the label was off."""

    def save(self, path: Path) -> None:
        """Write it as `write` does.

        Raises:
            MienError: the folder is missing, full or read-only.
        """
        try:
            self.write(path)
        except OSError as error:
            raise MienError(
                f"The report could not be written to {shown(path)}: {cause_of(error)}. {advice_for(error)}"
            ) from error

    def write(self, path: Path) -> None:
        """Write it as JSON; a file appears whole or not at all, a pipe or device such as /dev/stdout is written to.

        Raises:
            OSError: the folder is missing, full or read-only.
        """
        text = printable(json.dumps(asdict(self), indent=2, ensure_ascii=False)) + "\n"
        write_text_whole(path, text)


def ages_of(histogram: Histogram) -> Ages:
    """Read the three percentiles that a report names."""
    p50, p95, p99 = (rounded(histogram.percentile_ms(percent)) for percent in (50, 95, 99))
    return Ages(p50, p95, p99)


def stage_time_of(histogram: Histogram) -> StageTime:
    """Read the two percentiles that a report names."""
    return StageTime(rounded(histogram.percentile_ms(50)), rounded(histogram.percentile_ms(95)))


def memory_use_of(memory: Memory) -> MemoryUse:
    """Round a memory meter for a report."""
    return MemoryUse(round(memory.start_mb, 1), round(memory.peak_mb, 1), round(memory.end_mb, 1))


def versions() -> Mapping[str, str]:
    """Name the versions of everything that shapes a run; a package that is not installed is left out."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def rounded(duration_ms: float | None) -> float | None:
    """Keep three digits behind the point; None stays."""
    return None if duration_ms is None else round(duration_ms, 3)
