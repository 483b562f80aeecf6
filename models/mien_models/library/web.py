"""Opens addresses of the web, and of nothing else: no files, no data in the address, no leap from https to http."""

from collections.abc import Mapping
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Final, cast
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from mien_models.errors import ModelError, UsageError

SCHEMES: Final = ("http", "https")
_SILENCE_S: Final = 30.0
_MOST_REDIRECTS: Final = 5


def is_address(text: str) -> bool:
    """Say whether a user means an address of the web and not a file."""
    return "://" in text


def open_address(address: str, headers: Mapping[str, str]) -> HTTPResponse:
    """Ask for a file; proxies are those of the environment.

    Args:
        address: of the file.
        headers: more that is said to the server.

    Raises:
        UsageError: it is no address of the web.
        ModelError: the server sends us from https to http.
        URLError, OSError: it does not answer, or with an error, or sends us on too often.
    """
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise UsageError(f"A download needs an address that begins with https:// or http://, but got {address!r}.")
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        _Redirects(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    if parts.username is not None:
        raise UsageError("An address with a name and a password in it is not used; download that file by other means.")
    # Packed content would change length and hash.
    asked = Request(address, headers={"User-Agent": "mien", "Accept-Encoding": "identity", **headers})  # noqa: S310 - checked above
    return cast("HTTPResponse", opener.open(asked, timeout=_SILENCE_S))


class _Redirects(HTTPRedirectHandler):
    """Follows a few redirects, to the web only."""

    # The library raises HTTPError after so many.
    max_redirections = _MOST_REDIRECTS

    def redirect_request(  # noqa: PLR0917 - the library calls it so
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in SCHEMES or (req.type == "https" and scheme != "https"):
            fp.close()
            raise ModelError(
                f"The server of {req.host} sends the download to {urlsplit(newurl).hostname!r}, which is not as "
                "safe as the address that was given. Give that address if you trust it."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
