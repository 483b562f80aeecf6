"""What became of a file, in sentences and numbers."""

import mimetypes
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from mien.media.formats import MEDIA_TYPES, media_type
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import LooksAhead, Stage
from mien.pipeline.metrics import Histogram, Memory, Rate
from mien.pipeline.report import Report, memory_use_of, stage_time_of, versions
from mien.provenance.c2pa.sign import Signer, SigningError
from mien_models.errors import MienError, SinkError, SourceError

_MEMORY_EVERY: Final = 30


Progress: TypeAlias = Callable[[int, int | None], None]
"""Called after every frame with the frames done and, where it is known, how many there will be."""


@dataclass(frozen=True, slots=True)
class OfflineResult:
    """One file that was written."""

    frames_read: int
    frames_swapped: int
    frames_written: int
    frames_left: int
    """Frames in which a face was seen and none was swapped: a note says so."""
    frames_expected: int | None
    """What the file announces; None where it does not say."""
    is_complete: bool
    """False when the input is cut off or damaged: what could be read was written, and a note says how much."""
    is_signed: bool
    """False when a face was swapped and the output could not be given Content Credentials: a note says why."""
    notes: tuple[str, ...]
    """Sentences for the user about everything that is not as it was in the input."""
    report: Report

    @property
    def shortcoming(self) -> MienError | None:
        """What keeps the output from being all that it should be, in a sentence without names; None: nothing does."""
        if not self.is_complete:
            return SourceError("The input was cut off or damaged.")
        return None if self.is_signed else SinkError("The output carries no Content Credentials.")


class Summary:
    """Counts what happens to a file while it is worked on; has state: the counts."""

    def __init__(self) -> None:
        self.read = Rate()
        self.written = Rate()
        self.swapped = 0
        self.left = 0
        self.expected: int | None = None
        self.is_complete = True
        self.is_signed = True
        self.notes: list[str] = []
        self._stages: dict[str, Histogram] = {}
        self._memory = Memory()

    def stage(self, name: str) -> Histogram:
        """Give the meter of one stage."""
        return self._stages.setdefault(name, Histogram())

    def note(self, sentence: str) -> None:
        """Keep a sentence for the user, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def run(self, frame: Frame, stages: Sequence[Stage]) -> list[Frame]:
        """Do every stage in order and time it; a stage that looks ahead gives no frame at first, and several later."""
        frames = [frame]
        for stage in stages:
            frames = [done for frame in frames for done in self._through(stage, frame)]
        return frames

    def run_rest(self, stages: Sequence[Stage]) -> list[Frame]:
        """After the last frame: do every stage for those that are still held back."""
        done: list[Frame] = []
        for number, stage in enumerate(stages):
            if isinstance(stage, LooksAhead):
                with self.stage(stage.name).measure():
                    held = stage.rest()
                done += [frame for late in held for frame in self.run(late, stages[number + 1 :])]
        return done

    def _through(self, stage: Stage, frame: Frame) -> Sequence[Frame]:
        with self.stage(stage.name).measure():
            return stage.take(frame) if isinstance(stage, LooksAhead) else (stage(frame),)

    def count_read(self) -> None:
        """Count a frame that was decoded."""
        self.read.tick(time.monotonic_ns())

    def count_written(self, frame: Frame) -> None:
        """Count a frame that was encoded."""
        self.swapped += frame.composed is not None
        self.left += frame.composed is None and bool(frame.faces)
        self.written.tick(time.monotonic_ns())
        if self.written.count % _MEMORY_EVERY == 1:
            self._memory.sample()

    def result(self, providers: Mapping[str, str]) -> OfflineResult:
        """Sum up."""
        self._memory.sample()
        if self.left:
            self.note(
                f"In {self.left} of {self.written.count} frames faces were seen and none was swapped: "
                "those that --assign chooses were not among them."
            )
        report = Report(
            frames_in=self.read.count,
            frames_swapped=self.swapped,
            frames_out=self.written.count,
            dropped=self.read.count - self.written.count,
            repeated=0,
            age_ms=None,
            stages={name: stage_time_of(meter) for name, meter in self._stages.items()},
            fps_in=self.read.per_second,
            fps_out=self.written.per_second,
            startup_s=None,
            rss_mb=memory_use_of(self._memory),
            providers=dict(providers),
            state_changes=(),
            versions=versions(),
            notes={str(number): sentence for number, sentence in enumerate(self.notes, 1)},
        )
        return OfflineResult(
            frames_read=self.read.count,
            frames_swapped=self.swapped,
            frames_written=self.written.count,
            frames_left=self.left,
            frames_expected=self.expected,
            is_complete=self.is_complete,
            is_signed=self.is_signed,
            notes=tuple(self.notes),
            report=report,
        )


class Signing:
    """How the one output is signed."""

    def __init__(self, signer: Signer, input_path: Path, output_path: Path, summary: Summary) -> None:
        self._signer = signer
        self._input_media_type = MEDIA_TYPES.get(input_path.suffix.lower()) or mimetypes.guess_type(input_path)[0]
        self._output_path = output_path
        self._summary = summary

    def sign(self, part: Path) -> None:
        """Sign the finished file that will be `output_path`."""
        try:
            with self._summary.stage("sign").measure():
                input_media_type = self._input_media_type or "application/octet-stream"
                self._signer.sign(part, media_type(self._output_path), input_media_type=input_media_type)
        except SigningError as error:
            self._summary.is_signed = False
            self._summary.note(f"{self._output_path.name} is complete, but carries no Content Credentials. {error}")
