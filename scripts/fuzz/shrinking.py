"""Makes an input that fails smaller, as long as it fails in the same way."""

import time
from collections.abc import Callable


def shrunk(content: bytes, still_fails: Callable[[bytes], bool], *, budget_s: float) -> bytes:
    """Leave pieces out, large ones first, then make bytes zero; stops when the time is over."""
    ends_s = time.monotonic() + budget_s
    piece = len(content) // 2
    while piece >= 1 and time.monotonic() < ends_s:
        at = 0
        while at < len(content) and time.monotonic() < ends_s:
            less = content[:at] + content[at + piece :]
            if less and still_fails(less):
                content = less
            else:
                at += piece
        piece //= 2
    for piece in (256, 16, 1):
        for at in range(0, len(content), piece):
            if time.monotonic() >= ends_s:
                return content
            plainer = content[:at] + bytes(len(content[at : at + piece])) + content[at + piece :]
            if plainer != content and still_fails(plainer):
                content = plainer
    return content
