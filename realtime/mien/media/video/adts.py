"""The headers of AAC frames in a transport stream, which a muxer of MP4 takes off and ends at where one is damaged."""


class AdtsForm:
    """Has state: what the first whole header said."""

    def __init__(self) -> None:
        self._form: bytes | None = None

    def holds(self, frame: bytes) -> bool:
        """Whether a frame's header is whole and says what the first one said: profile, rate and channels."""
        form = _form_of(frame)
        self._form = self._form or form
        return form is not None and form == self._form


def _form_of(frame: bytes) -> bytes | None:
    """Give the fixed part of a header; None where the frame is damaged.

    ISO/IEC 13818-7, 6.2: the sync word, layer 0, the frame's own length, one block of data.
    """
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0 or frame[6] & 3:
        return None
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    return bytes([frame[1], frame[2] & 0xFD, frame[3] & 0xC0]) if length == len(frame) else None
