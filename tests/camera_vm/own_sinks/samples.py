"""Writes what is heard as bare samples: an emulated processor encodes a second of AAC in ten."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import SinkPlugin
from mien.sound.feed import Feed


class Samples:
    """Has state: the file, and what is not in it yet. Samples are float32, two at a time, 48 kHz, on Mien's clock."""

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._path, self._output = Path(target), output
        self.studio = Studio()
        self._file: BinaryIO | None = None
        self._feed: Feed | None = None

    @property
    def description(self) -> str:
        """One line for people."""
        return f"what is heard, in {self._path.name}"

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._feed = None if self.studio.hub is None else self.studio.hub.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take()
        if self._feed is not None and self.studio.hub is not None:
            self.studio.hub.leave(self._feed)
        if self._file is not None:
            self._file.close()

    def write(self, frame: OutputFrame) -> None:
        """Write what was heard since the last frame."""
        self._output.check(frame)
        self._take()

    def _take(self) -> None:
        heard = None if self._feed is None else self._feed.take()
        if heard is not None and self._file is not None:
            self._file.write(heard.samples.tobytes())


PLUGIN: Final = SinkPlugin(make=Samples, help="bare samples", target="PATH.f32", writes_target=True)
