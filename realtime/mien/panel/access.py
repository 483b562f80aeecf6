"""Who may use the panel: a token on this machine, a six-digit code in the local network. Knows nothing of HTTP."""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mien.config.page_address import kept_token
from mien_models.system import folders

_TOKEN_BYTES: Final = 24
_CODE_DIGITS: Final = 6
_TRIES: Final = 5
_TRIES_WITHIN_S: Final = 60.0
_TRIES_OF_A_CODE: Final = 30
"""A code that was guessed at so often is replaced by another: a guesser never gets far into a million."""
_MOST_GUESTS: Final = 8


def own_token() -> str:
    """Give the token of this user's panel, made once and kept in a file that only the user can read.

    It is kept so that an address that is stored in OBS as a dock, or as a bookmark, works tomorrow.

    Raises:
        MienError: the file cannot be written.
    """
    return kept_token(folders.state_folder() / "panel" / "token")


class OwnAccess:
    """The user at this machine: whoever knows the token gets a cookie that follows from it."""

    def __init__(self, token: str) -> None:
        self._token = token
        # Of the token and not the token: what a browser keeps does not open another browser by its address.
        self.cookie: Final = hashlib.sha256(b"mien panel cookie " + token.encode()).hexdigest()

    def is_token(self, text: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(text.encode(), self._token.encode())

    def is_cookie(self, text: str) -> bool:
        """Whether this is the cookie."""
        return hmac.compare_digest(text.encode(), self.cookie.encode())


@dataclass
class GuestAccess:
    """The local network, while its switch is on. Has state: the code, who was let in, and failed tries."""

    clock_s: Callable[[], float] = time.monotonic
    code: str | None = None
    """Six digits to be typed on the other device; None while the switch is off."""
    _cookies: deque[str] = field(default_factory=lambda: deque[str](maxlen=_MOST_GUESTS))
    _failed_s: deque[float] = field(default_factory=lambda: deque[float](maxlen=_TRIES))
    _failures: int = 0

    def open(self) -> str:
        """Switch it on with a new code; whoever was let in before has to type it again."""
        self._cookies.clear()
        self._failed_s.clear()
        self._failures = 0
        self.code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
        return self.code

    def close(self) -> None:
        """Switch it off; nobody stays."""
        self.code = None
        self._cookies.clear()

    @property
    def guests(self) -> int:
        """How many devices were let in, the last eight."""
        return len(self._cookies)

    def wait_s(self) -> float:
        """Say how long nobody may try: after five failures in a minute, until the first of them is a minute old."""
        if len(self._failed_s) < _TRIES:
            return 0.0
        return max(self._failed_s[0] + _TRIES_WITHIN_S - self.clock_s(), 0.0)

    def enter(self, code: str) -> str | None:
        """Take a code; give the cookie of a new guest, None where it is wrong or too soon."""
        if self.code is None or self.wait_s() > 0:
            return None
        if hmac.compare_digest(code.strip().encode(), self.code.encode()):
            cookie = secrets.token_urlsafe(_TOKEN_BYTES)
            self._cookies.append(cookie)
            return cookie
        self._failed_s.append(self.clock_s())
        self._failures += 1
        if self._failures >= _TRIES_OF_A_CODE:
            self.code, self._failures = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}", 0
        return None

    def is_cookie(self, text: str) -> bool:
        """Whether a guest who is still let in has this cookie."""
        return self.code is not None and any(hmac.compare_digest(text.encode(), one.encode()) for one in self._cookies)
