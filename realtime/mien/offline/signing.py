"""Signs what `mien swap` wrote; a file that cannot be signed is kept, and says so."""

import mimetypes
from pathlib import Path

from mien.credentials.carriers import MEDIA_TYPES, media_type
from mien.credentials.seal import Seal, SealError
from mien.offline.result import Tally


class Signing:
    """How the one output is signed."""

    def __init__(self, seal: Seal, input_path: Path, output_path: Path, tally: Tally) -> None:
        self._seal = seal
        self._footage_type = MEDIA_TYPES.get(input_path.suffix.lower()) or mimetypes.guess_type(input_path)[0]
        self._output_path = output_path
        self._tally = tally

    def sign(self, part: Path) -> None:
        """Sign the finished file that will be `output_path`."""
        try:
            with self._tally.stage("sign").measure():
                footage_type = self._footage_type or "application/octet-stream"
                self._seal.sign(part, media_type(self._output_path), footage_type=footage_type)
        except SealError as error:
            self._tally.is_signed = False
            self._tally.note(f"{self._output_path.name} is complete, but carries no Content Credentials. {error}")
