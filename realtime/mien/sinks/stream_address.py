"""Addresses of streams: taken apart for the connection, and written for people without what is secret."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from mien_models.errors import UsageError

HIDDEN: Final = "****"
"""Stands where a key was left out."""
_PORTS: Final = {"rtmp": 1935, "rtmps": 443}


@dataclass(frozen=True, slots=True, repr=False)
class StreamAddress:
    """Where an RTMP stream goes."""

    scheme: str
    host: str
    port: int
    app: str
    key: str
    """Secret: whoever knows it can stream under the user's name."""
    user: str | None = None
    password: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme.endswith("s")

    @property
    def shown(self) -> str:
        """The address as it may be shown, logged and stored."""
        return f"{self.scheme}://{self.host}/{self.app}/{HIDDEN if self.key else ''}"

    def __repr__(self) -> str:
        """As `shown`: a key gets into no message by accident."""
        return self.shown

    def at(self, port: int) -> str:
        """Give the address of the same stream behind a door on this computer."""
        login = "" if self.user is None else f"{quote(self.user)}:{quote(self.password or '')}@"
        return f"rtmp://{login}127.0.0.1:{port}/{self.app}/{self.key}"

    @property
    def url_of_app(self) -> str:
        """What the server is told the stream's address is, without the key (`tcUrl`)."""
        usual = _PORTS[self.scheme]
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}/{self.app}"


def stream_address(text: str) -> StreamAddress:
    """Take an address apart.

    Raises:
        UsageError: a part is missing; the message names the part and never the key.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The port of a {parts.scheme} address is a number from 1 to 65535.") from error
    if HIDDEN in text:
        raise UsageError("The stream key was left out of this address; give the address with its key again.")
    app, _, key = parts.path.lstrip("/").rpartition("/")
    example = f"{parts.scheme}://live.example.com/app/KEY"
    if not parts.hostname:
        raise UsageError(f"A stream needs the server's address, as in {example}.")
    if not app or not (key or parts.query):
        raise UsageError(
            f"A stream to {parts.hostname} needs the application and the stream key, as in {example}; "
            "your streaming service shows both."
        )
    key = key if not parts.query else f"{key}?{parts.query}"
    return StreamAddress(
        parts.scheme,
        parts.hostname,
        port or _PORTS[parts.scheme],
        app,
        key,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )
