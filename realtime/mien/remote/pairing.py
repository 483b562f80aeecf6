"""How two machines come to trust each other: by a code that a person carries over once, then by a pass; sealed photos.

Both sides prove to each other that they know the code, over the certificate that each of them sees. Somebody in between
shows another certificate, and knows no code: both sides notice. The code has 60 random bits and is stretched, so that
nobody finds it out from a proof either.

Photos are sealed for the one session they are for: TLS ends at the proxy of a fleet, and what passes between it and a
replica may lie in shared memory for a while. The key is made of the pass' secret, which never travels, and of both
nonces: it is another one on every line.
"""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mien.remote.protocol import ProtocolError

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 that are not taken for each other."""
_LENGTH: Final = 12
_GROUP: Final = 4
_TRIES: Final = 5
_WITHIN_S: Final = 60.0
_NONCE_BYTES: Final = 12
OVERHEAD_BYTES: Final = _NONCE_BYTES + 16
"""So much longer is what was sealed."""


def new_code() -> str:
    """Make a pairing code, such as 'K7QX-M2PD-94TR'."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def stretched(code: str, nonce: str) -> bytes:
    """Make the key of one pairing out of a code as a person types it, and what the machine said at first."""
    letters = "".join(letter for letter in code.upper() if letter in _LETTERS)
    return hashlib.scrypt(letters.encode(), salt=nonce.encode(), n=1 << 14, r=8, p=1, dklen=32)


def proof(key: bytes, *said: str) -> str:
    """Prove that one knows a key, over what was said: the side, both nonces, the certificate's fingerprint."""
    return hmac.new(key, "\n".join(said).encode(), hashlib.sha256).hexdigest()


def is_proved(given: str, key: bytes, *said: str) -> bool:
    """Whether that proof is right."""
    return hmac.compare_digest(given.encode(), proof(key, *said).encode())


def new_nonce() -> str:
    """Make what is used once."""
    return secrets.token_hex(16)


class Tries:
    """Limits how often a wrong code may be tried. Has state: when it was.

    It counts for everybody together: who guesses, guesses from many addresses.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._failed_s: deque[float] = deque(maxlen=_TRIES)

    @property
    def wait_s(self) -> float:
        """How long nobody may try; 0 while somebody may."""
        if len(self._failed_s) < _TRIES:
            return 0.0
        return max(self._failed_s[0] + _WITHIN_S - self._clock_s(), 0.0)

    def fail(self) -> None:
        """Count a try as a wrong code."""
        self._failed_s.append(self._clock_s())

    def forgive(self) -> None:
        """Take the last one back: it was right."""
        if self._failed_s:
            self._failed_s.pop()


class Seal:
    """One line's key."""

    def __init__(self, secret: bytes, nonce: str, machine_nonce: str) -> None:
        """Take the pass' secret and what both sides said at first."""
        salt = f"{nonce}\n{machine_nonce}".encode()
        self._cipher = AESGCM(HKDF(hashes.SHA256(), 32, salt, b"mien photos").derive(secret))

    def sealed(self, content: bytes) -> bytes:
        """Give what only the other end of the line can read."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, None)

    def opened(self, content: bytes) -> bytes:
        """Read what the other end has sealed.

        Raises:
            ProtocolError: it was sealed by somebody else, or changed on the way.
        """
        try:
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError) as error:
            raise ProtocolError("Expected a photo sealed for this line, got something else.") from error
