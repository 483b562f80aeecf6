"""Writes every frame as a PNG into a folder: 000000.png, 000001.png, ..."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.provenance.c2pa.sign import Signer, SigningError
from mien.sinks.registry import SinkPlugin
from mien_models.errors import SinkError
from mien_models.system.atomic_write import cannot_write, whole_or_nothing
from mien_models.system.one_writer import held
from mien_models.system.printable import in_one_line, shown

_FAST: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""A third larger than zlib's default and several times faster; the pictures stay exact."""


class ImagesSink:
    """Has state: counts the pictures written. Goes on after the last picture that is in the folder already.

    No other run can write to the folder meanwhile: their pictures would take each other's numbers.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._folder = Path(target)
        self._output = output
        self._next = 0
        self.signer = Signer()
        """What signs the pictures; that of the session is set before the first frame."""
        self._ownership = contextlib.ExitStack()

    @property
    def description(self) -> str:
        """One line for people."""
        return in_one_line(f"PNG pictures in {self._folder}, from {self._next:06}.png")

    def __enter__(self) -> Self:
        """Create the folder where it is missing.

        Raises:
            SinkError: it cannot be created, or another run writes there.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._ownership.enter_context(held(self._folder, self._folder))
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        numbers = [int(path.stem) for path in self._folder.glob("*.png") if path.stem.isdecimal()]
        self._next = max(numbers, default=-1) + 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others write there; every picture was whole when `write` returned."""
        self._ownership.close()

    def write(self, frame: OutputFrame) -> None:
        """Write one picture, signed where it shows a swapped face.

        Raises:
            SinkError: the folder is gone or the disk is full, or it cannot be signed.
        """
        self._output.check(frame)
        _, encoded = cv2.imencode(".png", frame.image, _FAST)
        content, unsigned = encoded.tobytes(), None
        if frame.picture.is_marked:
            try:
                content = self.signer.signed(content, "image/png")
            except SigningError as error:
                unsigned = error
        path = self._folder / f"{self._next:06}.png"
        with whole_or_nothing(path) as part:
            part.write_bytes(content)
        if unsigned is not None:
            raise SinkError(f"{shown(path)} carries no Content Credentials: it is the last picture. {unsigned}")
        self._next += 1


PLUGIN: Final = SinkPlugin(
    make=ImagesSink,
    label="Pictures, one for each frame",
    help="one picture a frame",
    target="DIR",
    use=Scope.RECORDING,
    writes_target=True,
)
