"""Opens addresses of the web: http and https only, a few redirects, never to what is less safe."""

from collections.abc import Mapping
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Final, cast
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit
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
_SENT_AS_IT_IS: Final = "%/:=&?~+!$,;'@()*[]"


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
    parts = split_address(address)
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
    asked = Request(_in_ascii(parts), headers={"User-Agent": "mien", "Accept-Encoding": "identity", **headers})  # noqa: S310 - checked above
    try:
        return cast("HTTPResponse", opener.open(asked, timeout=_SILENCE_S))
    except HTTPError as error:
        error.close()  # its page would keep the connection until somebody collects the garbage
        raise


def split_address(address: str) -> SplitResult:
    """Take an address apart.

    Raises:
        UsageError: it is no address of the web.
    """
    try:
        parts = urlsplit(address)
        # A port that is none raises, too.
        if parts.scheme in SCHEMES and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise UsageError(f"A download needs an address that begins with https:// or http://, but got {address!r}.")


def _in_ascii(parts: SplitResult) -> str:
    """Write an address as it is sent: browsers show and copy letters that no request may contain."""
    path, query = (quote(part, _SENT_AS_IT_IS, errors="surrogateescape") for part in (parts.path, parts.query))
    try:
        (parts.hostname or "").encode("idna")
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except UnicodeError as error:
        raise UsageError(f"There can be no server called {parts.netloc!r}. Look for the right address.") from error
    return urlunsplit((parts.scheme, host, path, query, ""))


class _Redirects(HTTPRedirectHandler):
    """Follows a few redirects, to the web only."""

    # The library raises HTTPError after so many.
    max_redirections = _MOST_REDIRECTS

    def http_error_302(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> HTTPResponse | None:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:
            fp.close()
            raise URLError("the server sends us on to an address that is none") from error

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

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
