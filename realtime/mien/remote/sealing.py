"""Photos are sealed for the one session they are for: whatever carries the control line, it carries nothing readable.

TLS ends at the proxy of a fleet, and what passes between it and a replica may lie in shared memory for a while. The key
is made of the pass' secret, which never travels, and of both nonces: it is another one on every line.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mien.remote.protocol import ProtocolError

_NONCE_BYTES: Final = 12
OVERHEAD_BYTES: Final = _NONCE_BYTES + 16
"""So much longer is what was sealed."""


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
