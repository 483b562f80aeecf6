"""Passes: what a machine gives to those who paired, and an operator to tenants. Signed, so that nobody keeps a list."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from mien_models.errors import MienError
from mien_models.system.json_text import json_object, whole_number

_DAYS: Final = 365
_LONGEST: Final = 2000


class PassError(MienError):
    """A pass that is not taken; one sentence says why."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Who may swap here, until when, and how much."""

    id: str
    tenant: str
    """'' for somebody who paired by a code."""
    until: int
    """Seconds since 1970."""
    seats: int
    """Sessions at a time; 0 for as many as there are."""

    @classmethod
    def new(cls, tenant: str = "", *, seats: int = 0, days: int = _DAYS) -> Self:
        """Make one that is valid from now on."""
        until = datetime.now(UTC) + timedelta(days=days)
        return cls(secrets.token_hex(8), tenant, round(until.timestamp()), seats)

    @property
    def text(self) -> str:
        """What is carried about; without its secret it is worth nothing."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self), sort_keys=True).encode()).decode()

    def secret(self, machine_secret: bytes) -> bytes:
        """Give what proves that a pass is one's own; it never travels after it was given."""
        return hmac.new(machine_secret, self.text.encode(), hashlib.sha256).digest()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what a client carries about; whether it is real is proved by its secret.

        Raises:
            PassError: it is none, or its time is over.
        """
        try:
            if len(text) > _LONGEST:
                raise ValueError("too long")
            found = json_object(base64.urlsafe_b64decode(text.encode()))
            numbers = {name: whole_number(found[name]) for name in ("until", "seats")}
            made = cls(str(found["id"]), str(found["tenant"]), numbers["until"], numbers["seats"])
            is_itself = made.text == text
        except (ValueError, KeyError) as error:
            raise PassError("The pass is damaged; pair with this machine again.") from error
        if not is_itself:
            raise PassError("The pass is damaged; pair with this machine again.")
        if made.until < datetime.now(UTC).timestamp():
            raise PassError("The pass has run out; pair with this machine again.")
        return made


_CARRIED: Final = "mien-pass"


def carried(made: Pass, fingerprint: str, secret: bytes) -> str:
    """Write a pass as it is given to a tenant: with its secret, and the certificate that the tenant has to see."""
    return ".".join((_CARRIED, fingerprint, secret.hex(), made.text))


def read_carried(text: str) -> tuple[str, str, str] | None:
    """Give fingerprint, secret and pass of what `carried` wrote; None where it is a pairing code.

    Raises:
        PassError: it is damaged, or its time is over.
    """
    kind, *parts = text.strip().split(".")
    if kind != _CARRIED:
        return None
    if len(parts) != 3 or not all(re.fullmatch("[0-9a-f]{64}", part) for part in parts[:2]):
        raise PassError("The pass is damaged; copy the whole line that 'mien serve --pass' has printed.")
    Pass.read(parts[2])
    return parts[0], parts[1], parts[2]
